// Owns the list of recordings: what is looked for, and what is chosen of it.

import { useApp } from "../app.js";
import { html, useSignal } from "../lib.js";
import { link } from "../route.js";
import { Actions } from "./actions.js";
import { button, filled, measures, recorded, say, table } from "./parts.js";
import { Suggestions, useReading } from "./reading.js";

/** @type {Columns} */
export const links = {
  tags: ({ tags }) => tags.map((/** @type {string} */ tag) => html`<a class="lib-tag" href=${link(`/library/files?${new URLSearchParams({ tag })}`)}>${tag}</a>`),
  transcripts: ({ tasks }) => tasks.map((/** @type {WholeTask} */ { id, status }, /** @type {number} */ at) =>
    html`<a href=${link(`/tasks/${id}`)}>${say("transcript", { count: at + 1 })}</a> <${Status} id=${id} kind=${status} /> `),
};

/** @type {LibraryPart} */
const Status = ({ id, kind }) => html`<small>${say(`status.${useApp().model.task(id).value?.status ?? kind}`)}</small>`;

/** @type {LibraryPart} */
export function Files({ query }) {
  const asked = useSignal(`${new URLSearchParams(query)}`);
  const chosen = useSignal(/** @type {string[]} */ ([]));
  const { items, load, foot } = useReading(`/files?${asked}`, "files", useApp().model.order.value.length);
  const files = items.filter(({ id }) => chosen.value.includes(id));
  const look = filled((data) => {
    asked.value = `${new URLSearchParams([...data].filter(([, value]) => value))}`;
    history.replaceState(null, "", link(`/library/files?${asked}`));
  });
  return html`<form class="fields-row" role="search" onInput=${look} onSubmit=${look}>
      <label>${say("name")}<input type="search" name="q" maxlength="255" defaultValue=${query.q} /></label>
      <label>${say("tag")}<input name="tag" maxlength="50" list="tags" defaultValue=${query.tag} /></label>
      <${Suggestions} path="/tags" name="tags" />
      <label>${say("sort")}<select name="sort">${["arrived", "recorded"].map((by) => html`<option value=${by} selected=${by === query.sort}>${say(by)}</option>`)}</select></label>
      <label><input type="checkbox" name="hidden" value="true" defaultChecked=${query.hidden} />${say("hidden")}</label>
    </form>
    ${files[0] && html`<p>${say("chosen", { count: files.length })}</p><${Actions} files=${files} done=${load} />`}
    <form onChange=${filled((data) => (chosen.value = data.getAll("file")))}>${table("files", {
      choose: (file) => html`<input type="checkbox" name="file" value=${file.id} checked=${files.includes(file)} aria-label=${file.filename} />`,
      name: (file) => html`<a href=${link(`/library/files/${file.id}`)}>${file.filename}</a> ${links.tags(file, 0)} ${file.hidden && html`<small>${say("discard_duplicate.none")}</small>`}`,
      when: (file) => recorded(file.effective_timestamp),
      ...measures,
      transcripts: links.transcripts,
    }, items)}</form>${items[1] && button("all", () => (chosen.value = items.map(({ id }) => id)))}${foot}`;
}
