// Owns pictures: a symbol of index.html, which only repeats what a text says and is hidden from screen readers.

import { html } from "../lib.js";

/** @type {Pictured} */
export const Icon = ({ name }) => html`<svg class="icon" aria-hidden="true"><use href=${`#icon-${name}`} /></svg>`;

/** A button that shows only its picture. @type {Pictured} */
export const IconButton = ({ name, label, onClick }) =>
  html`<button type="button" class="quiet" aria-label=${label} title=${label} onClick=${onClick}><${Icon} name=${name} /></button>`;
