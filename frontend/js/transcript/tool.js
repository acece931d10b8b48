// Owns the look of a tool of this view: a symbol, and its word as a label or as a hint.

import { html } from "../lib.js";
import { Icon } from "../shell/icon.js";
import { t } from "../words.js";

/** `off`: there is nothing to do; it keeps the focus all the same. @type {Component} */
export const Tool = ({ name, icon = name, run, shown, off, ...more }) => {
  const word = t(`transcript.${name}`);
  return html`<button type="button" class="quiet" aria-label=${word} title=${shown ? null : word} aria-disabled=${off} onClick=${run} ...${more}>
    <${Icon} name=${icon} />${shown && html`<span>${word}</span>`}
  </button>`;
};
