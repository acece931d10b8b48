// Owns the search over all transcripts: what is looked for as it is typed, and where it was said.

import { useApp } from "../app.js";
import { html, useEffect, useSignal } from "../lib.js";
import { link } from "../route.js";
import { clock } from "../words.js";
import { say } from "./parts.js";
import { useReading } from "./reading.js";

/** @param {{ query: string }} props */
export function SearchView({ query }) {
  const { route } = useApp();
  const text = useSignal(query);
  useEffect(() => void (text.value = query), [route.value]);
  const q = text.value.trim() && new URLSearchParams({ q: text.value });
  const { items, foot } = useReading(q && `/search?${q}`, "results");
  const look = (/** @type {any} */ event) => {
    text.value = event.target.value;
    history.replaceState(null, "", link(`/search?${new URLSearchParams({ q: text.value })}`));
  };
  return html`<div class="fields-row" role="search"><label>${say("search")}<input type="search" maxlength="500" value=${text} onInput=${look} /></label></div>
    <p class="lib-note">${say("searching")}</p>
    ${q && html`<ol class="hits">${items.map((hit) => html`<li key=${hit.task_id + hit.index}><a href=${link(`/tasks/${hit.task_id}?t=${hit.start}`)}>
      <small>${hit.filename} · ${clock(hit.start)} ${hit.speaker}</small>
      <p>${hit.snippet.map((/** @type {{ text: string, match: boolean }} */ part) => (part.match ? html`<mark>${part.text}</mark>` : part.text))}</p></a></li>`)}</ol>${foot}`}`;
}
