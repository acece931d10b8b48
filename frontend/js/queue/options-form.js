// Owns the options of what is sent next; what is left alone is left to the server.

import { useApp } from "../app.js";
import { html, signal, useEffect, useSignal } from "../lib.js";
import { t } from "../words.js";

const MODELS = ["tiny", "base", "small", "medium", "large-v3", "large-v3-turbo", "distil-large-v3"];

/** As the form has them. */
const chosen = signal(/** @type {Record<string, string>} */ ({}));

/** As they go over the wire. @returns {Record<string, any>} */
export function options() {
  const { speakers, ...rest } = chosen.value;
  if (!speakers) return rest;
  return speakers === "off" ? { ...rest, diarize: false } : { ...rest, diarize: true, num_speakers: Number(speakers) };
}

/** What a form says, without what was left empty. @returns {Record<string, string>} */
export const filled = (/** @type {any} */ { currentTarget }) => Object.fromEntries(/** @type {any} */ ([...new FormData(currentTarget)].filter(([, value]) => value)));

export const languageName = (/** @type {string} */ code) => new Intl.DisplayNames(document.documentElement.lang, { type: "language" }).of(code) ?? code;

/** `of`: values, what they are called, and whether they cannot be chosen. @type {QueuePart} */
export const Choice = ({ name, value = "", of }) => html`<label class="field"><span>${t(`queue.${name}`)}</span>
  <select name=${name}>${of.map(([one, text, not]) => html`<option value=${one} selected=${one === value} disabled=${not}>${text}</option>`)}</select>
</label>`;

export function OptionsForm() {
  const { model, api } = useApp();
  const presets = useSignal(/** @type {{ presets: object, default: string | null }} */ ({ presets: {}, default: null }));
  useEffect(() => void api.get("/presets").then((found) => (presets.value = found), () => {}), []);
  const { value } = chosen;
  const { engines = [], default: usual } = model.engines.value ?? {};
  const engine = engines.find(({ name }) => name === value.engine);
  const any = (/** @type {string} */ name) => ["", t(`queue.${name}.any`, { ...usual })];
  /** @type {Record<string, any[][]>} */
  const choices = {
    engine: [any("engine"), ...engines.map(({ name, usable }) => [name, name, !usable])],
    language: [any("language"), ...t("queue.languages").split(" ").map((code) => [code, languageName(code)])],
    speakers: [any("speakers"), ["off", t("queue.speakers.off")], ...[1, 2, 3, 4, 5, 6, 7, 8].map((count) => [`${count}`, t("queue.people", { count })])],
    preset: [["", presets.value.default ?? t("queue.preset.any")], ...Object.keys(presets.value.presets).map((name) => [name, name])],
    on_duplicate: ["any", "transcribe", "reuse", "refuse"].map((name) => [name.replace("any", ""), t(`queue.on_duplicate.${name}`)]),
  };
  const told = Object.entries(value).map(([name, one]) => choices[name]?.find(([other]) => other === one)?.[1] ?? one);
  return html`<details class="options">
    <summary><span>${t("queue.options")}</span> <span class="options-summary">${told.join(" · ") || t("queue.options.none")}</span></summary>
    <form class="fields" onInput=${(/** @type {Event} */ event) => (chosen.value = filled(event))} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${Object.entries(choices).map(([name, of]) => of.length > 1 && html`<${Choice} key=${name} name=${name} value=${value[name]} of=${of} />`)}
      <label class="field"><span>${t("queue.model")}</span>
        <input name="model" list="models" maxlength="500" spellcheck="false" value=${value.model ?? ""} placeholder=${usual?.model} />
        <datalist id="models">${MODELS.map((name) => html`<option value=${name} />`)}</datalist>
      </label>
    </form>
    <p class="hint">${engine ? [engine.why, engine.remedy].join(" ") : usual?.reason}</p>
  </details>`;
}
