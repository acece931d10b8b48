// Owns what only accompanies the page and is fetched once it stands: messages, keys, the title, the screen reader's sentences.

import "./problem-details.js";
import "../queue/duplicate.js";
import { announcer } from "./announcer.js";
import { helper } from "./help.js";
import { followKeys } from "./keys.js";
import { noticeNewer } from "./newer.js";
import { notify } from "./notifications.js";
import { toaster } from "./toasts.js";

/** @type {(app: AppLike) => Pick<AppLike, "announce" | "toast" | "help">} */
export function company(app) {
  followKeys(app);
  // A file that nobody takes would be opened in place of the page.
  for (const type of ["dragover", "drop"])
    app.scope.listen(window, type, (event) => {
      if (event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
  noticeNewer(app);
  notify(app);
  // What is likely to be wanted next is at hand then, also without a network.
  for (const fetching of [import("../transcript/view.js"), import("../queue/uploads.js")]) fetching.catch(() => {});
  // What was written in a transcript and could not be sent before the page was closed.
  import("../transcript/edits.js").then(({ sendKept }) => sendKept(app), () => {});
  return { announce: announcer(app), toast: toaster(app.scope), help: helper(app) };
}
