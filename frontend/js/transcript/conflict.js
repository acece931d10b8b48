// Owns what is asked when two people wrote in the same segment: theirs and mine, side by side, until one is chosen.

import { html } from "../lib.js";
import { t } from "../words.js";

/** @param {OfDesk} props */
export function ConflictNotice({ desk: { edits } }) {
  if (!edits.conflict.value) return null;
  const { edit, theirs, refusal } = edits.conflict.value;
  const mine = edits.waiting.value.findLast(({ kind, key }) => kind === "text" && key === edit.key);
  const side = (/** @type {boolean} */ isMine, /** @type {string | undefined} */ text) => html`<blockquote>
    <b>${t(isMine ? "transcript.mine" : "transcript.theirs")}</b><p>${text}</p>
    ${theirs && html`<button type="button" class="secondary" onClick=${() => edits.resolve(isMine)}>${t(isMine ? "transcript.keep_mine" : "transcript.take_theirs")}</button>`}
  </blockquote>`;
  return html`<section class="notice conflict" role="alert">
    <p>${refusal?.message ?? t("transcript.conflict")}</p>
    ${side(false, theirs?.text)}${side(true, mine?.value)}
  </section>`;
}
