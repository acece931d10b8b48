// Owns recordings that are the same: side by side, heard at the same second, kept or discarded.

import { html, useRef } from "../lib.js";
import { link } from "../route.js";
import { dateTime, percent } from "../words.js";
import { Decisions } from "./decisions.js";
import { facts, filled, measures, say } from "./parts.js";
import { useAsking, useReading } from "./reading.js";

/** @type {Lib["likeness"]} */
export const likeness = ({ match_type: type, similarity_score: score }) =>
  type === "exact" ? type : score >= 0.95 ? "certain" : score >= 0.9 ? "probable" : "possible";

export function Duplicates() {
  const { items, load, foot } = useReading("/duplicates?", "groups");
  return html`<p class="lib-note">${say("discarding")}</p>${items.map((group) => html`<${Group} key=${group.files[0].id} group=${group} done=${load} />`)}${foot}`;
}

/** One player for all copies: who turns to another one stays at the same second. @type {LibraryPart} */
function Group({ group: { files, pairs }, done }) {
  const player = useRef(/** @type {any} */ (null));
  const [first] = files;
  const heard = files.find((file) => file.has_media);
  const source = (/** @type {string} */ id) => `/files/${id}/media`;
  const name = (/** @type {string} */ id) => files.find((file) => file.id === id)?.filename;
  const hear = (/** @type {string} */ id) => {
    const { currentTime, paused } = player.current;
    Object.assign(player.current, { src: source(id), currentTime });
    if (!paused) player.current.play();
  };
  return html`<section aria-label=${first.filename}>
    ${pairs.map((pair) => html`<p><b>${say(`alike.${likeness(pair)}`)}, ${percent(100 * pair.similarity_score)}</b> <small>${name(pair.file_id)} · ${name(pair.duplicate_of_id)}</small></p>`)}
    ${heard && html`<audio ref=${player} controls preload="none" src=${source(heard.id)} aria-label=${say("player")} />`}
    <div class="copies">${files.map((file) => html`<article key=${file.id}>
      <h2><a href=${link(`/library/files/${file.id}`)}>${file.filename}</a></h2>
      ${file.has_media ? html`<label><input type="radio" name=${first.id} defaultChecked=${file === heard} onChange=${() => hear(file.id)} />${say("hear")}</label>` : html`<p>${say("gone")}</p>`}
      <${Copy} file=${file} done=${done} /></article>`)}</div></section>`;
}

/** Enter in the reason would press the first button of the form: that one decides nothing. @type {LibraryPart} */
function Copy({ file, done }) {
  const { decide, refused } = useAsking(done);
  return html`${facts({ ...measures, arrival: () => dateTime(file.created_at), decision: () => say(file.decision ? `${file.decision}_duplicate.none` : "undecided") }, file)}
    <form class="fields-row" onSubmit=${filled((data) => decide(file.id, `${data.get("decision")}_duplicate`, data.get("reason") || null))}>
      <button hidden disabled />
      <label>${say("reason")}<input name="reason" maxlength="500" /></label>
      ${["keep", "discard"].map((what) => html`<button class="secondary" name="decision" value=${what}>${say(what)}</button>`)}</form>
    ${refused}<${Decisions} file=${file} done=${done} />`;
}
