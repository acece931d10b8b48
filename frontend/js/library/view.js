// Owns the library's place on the page: which of its parts is shown.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { link } from "../route.js";
import { Duplicates } from "./duplicates.js";
import { OneFile } from "./file.js";
import { Files } from "./files.js";
import { Jobs } from "./jobs.js";
import { say } from "./parts.js";

export function LibraryView() {
  const { parts: [, part = "files", id], query } = useApp().route.value;
  // Each way here makes a new `query`, and so a view that begins anew.
  const shown = part === "duplicates" ? Duplicates : part === "jobs" ? Jobs : id ? OneFile : Files;
  return html`<nav class="library-parts" aria-label=${say("parts")}>${["files", "duplicates", "jobs"].map((one) => html`
      <a href=${link(`/library/${one}`)} aria-current=${one === part ? "page" : undefined}>${say(one)}</a>`)}</nav>
    <div class="library"><${shown} key=${query} id=${id} query=${query} /></div>`;
}
