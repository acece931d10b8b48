// Owns a choice among values, and what a form of such choices says.

import { html } from "../lib.js";
import { t } from "../words.js";

/** `of`: values, what they are called, and whether they cannot be chosen. @type {QueuePart} */
export const Choice = ({ name, value = "", of }) => html`<label class="field"><span>${t(`queue.${name}`)}</span>
  <select name=${name}>${of.map(([one, text, not]) => html`<option value=${one} selected=${one === value} disabled=${not}>${text}</option>`)}</select>
</label>`;

/** What a form says, without what was left empty. */
export const filled = (/** @type {any} */ { currentTarget }) => Object.fromEntries(/** @type {any} */ ([...new FormData(currentTarget)].filter(([, value]) => value)));
