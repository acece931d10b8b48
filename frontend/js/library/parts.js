// Owns the small parts that the library is made of: words, buttons, forms, facts, tables, times of recordings.

import { bytes } from "../bytes.js";
import { html } from "../lib.js";
import { clock, t } from "../words.js";

/** @type {typeof t} */
export const say = (key, values) => t(`library.${key}`, values);

/** @type {Lib["button"]} */
export const button = (word, act, of) =>
  html`<button type="button" class="secondary" onClick=${act} aria-label=${of && `${say(word)}: ${of}`}>${say(word)}</button>`;

/** @type {Lib["filled"]} */
export const filled = (act) => (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  act(new FormData(form, event.submitter), form);
};

/** @type {Lib["facts"]} */
export const facts = (columns, row) => html`<dl>${Object.keys(columns).map((name) => html`<div><dt>${say(name)}</dt><dd>${columns[name](row, 0)}</dd></div>`)}</dl>`;

/** @type {Lib["table"]} */
export const table = (label, columns, rows) => html`<table aria-label=${say(label)}>
  <thead><tr>${Object.keys(columns).map((name) => html`<th>${say(name)}</th>`)}</tr></thead>
  <tbody>${rows.map((row, at) => html`<tr key=${row.id ?? at}>
    ${Object.keys(columns).map((name) => html`<td data-name=${say(name)}>${columns[name](row, at)}</td>`)}</tr>`)}</tbody></table>`;

/** @type {Columns} */
export const measures = {
  length: ({ duration_seconds: seconds }) => (seconds === null ? "–" : clock(seconds)),
  size: ({ file_size_bytes: size }) => (size === null ? "–" : bytes(size)),
  kind: (file) => file.mime_type,
};

const FIELDS = Object.entries({ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SHOWN = { year: 1, month: 2, day: 3, minute: 5, second: 6 };

/** No finer than it is known. @type {Lib["when"]} */
export const when = ({ value, precision }) =>
  value ? new Date(value).toLocaleString(document.documentElement.lang, Object.fromEntries(FIELDS.slice(0, SHOWN[precision ?? "second"]))) : "–";

/** @type {Lib["when"]} */
export const recorded = (time) =>
  html`${when(time)} <small class="trust" data-trust=${time.confidence}>${time.source && `${say(`source.${time.source}`)}, `}${say(`trust.${time.confidence}`)}</small>`;
