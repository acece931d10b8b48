// Owns the options of what is sent next; what is left alone is left to the server. Their form is fetched when it is opened.

import { later } from "../later.js";
import { html, signal, useSignal } from "../lib.js";
import { t } from "../words.js";

const Form = later(async () => (await import("./options-form.js")).OptionsForm);

/** `values` as they go over the wire, `filled` as the form has them, `told` in its words. */
const chosen = signal(/** @type {Chosen} */ ({ values: {}, filled: {}, told: "" }));

export const options = () => chosen.value.values;

export function Options() {
  const opened = useSignal(false);
  return html`<details class="options" onToggle=${() => (opened.value = true)}>
    <summary><span>${t("queue.options")}</span> <span class="options-summary">${chosen.value.told || t("queue.options.none")}</span></summary>
    ${opened.value && html`<${Form} chosen=${chosen} />`}
  </details>`;
}
