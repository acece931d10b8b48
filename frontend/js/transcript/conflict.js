// Owns what is asked when two people wrote in the same segment: theirs and mine, side by side, until one is chosen.

import { html } from "../lib.js";
import { t } from "../words.js";

/** @type {DeskPart} */
export function ConflictNotice({ desk: { edits } }) {
  if (!edits.conflict.value) return null;
  const { edit, theirs, refusal } = edits.conflict.value;
  const mine = edits.waiting.value.findLast(({ kind, key }) => kind === "text" && key === edit.key);
  const side = (/** @type {string} */ whose, /** @type {string} */ action, /** @type {string | undefined} */ text) => html`<blockquote>
    <b>${t(`transcript.${whose}`)}</b><p>${text}</p>
    ${(theirs || whose === "theirs") && html`<button type="button" class="secondary" onClick=${() => edits.resolve(whose === "mine")}>${t(`transcript.${action}`)}</button>`}
  </blockquote>`;
  return html`<section class="notice conflict" role="alert">
    <p>${refusal?.message ?? t("transcript.conflict")}</p>
    ${side("theirs", "take_theirs", theirs?.text)}${side("mine", "keep_mine", mine?.value)}
  </section>`;
}
