// Owns the form of the options: what this server offers of each.

import { useApp } from "../app.js";
import { html, useEffect, useSignal } from "../lib.js";
import { languageName, t } from "../words.js";
import { Choice, filled } from "./choice.js";

const MODELS = ["tiny", "base", "small", "medium", "large-v3", "large-v3-turbo", "distil-large-v3"];

/** @type {(props: { chosen: Signal<Chosen> }) => VNode} */
export function OptionsForm({ chosen }) {
  const { api } = useApp();
  const offered = useSignal(/** @type {Engines} */ ({ engines: [], default: null }));
  const presets = useSignal(/** @type {{ presets: object, default: string | null }} */ ({ presets: {}, default: null }));
  useEffect(() => {
    api.get("/presets").then((found) => (presets.value = found), () => {});
    api.get("/health/engines").then((found) => (offered.value = found), () => {});
  }, []);
  const { filled: values } = chosen.value;
  const { engines, default: usual } = offered.value;
  const engine = engines.find(({ name }) => name === values.engine);
  const any = (/** @type {string} */ name) => ["", t(`queue.${name}.any`, { usual: usual && `(${[usual.engine, usual.model].filter(Boolean).join(" ")})` })];
  /** @type {Record<string, any[][]>} */
  const choices = {
    engine: [any("engine"), ...engines.map(({ name, usable }) => [name, name, !usable])],
    language: [any("language"), ...t("queue.languages").split(" ").map((code) => [code, languageName(code)])],
    speakers: [any("speakers"), ["off", t("queue.speakers.off")], ...[1, 2, 3, 4, 5, 6, 7, 8].map((count) => [`${count}`, t("queue.people", { count })])],
    preset: [["", presets.value.default ?? t("queue.preset.any")], ...Object.keys(presets.value.presets).map((name) => [name, name])],
    on_duplicate: ["any", "transcribe", "reuse", "refuse"].map((name) => [name.replace("any", ""), t(`queue.on_duplicate.${name}`)]),
  };
  const changed = (/** @type {any} */ event) => {
    const values = filled(event);
    const fields = event.currentTarget.elements;
    const told = Object.keys(values).map((name) => fields[name].selectedOptions?.[0].text ?? values[name]);
    const { speakers, ...rest } = values;
    const wire = !speakers ? rest : speakers === "off" ? { ...rest, diarize: false } : { ...rest, diarize: true, num_speakers: Number(speakers) };
    chosen.value = { values: wire, filled: values, told: told.join(" · ") };
  };
  return html`<form class="fields" onInput=${changed} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${Object.entries(choices).map(([name, of]) => of.length > 1 && html`<${Choice} key=${name} name=${name} value=${values[name]} of=${of} />`)}
      <label class="field"><span>${t("queue.model")}</span>
        <input name="model" list="models" maxlength="500" spellcheck="false" value=${values.model ?? ""} placeholder=${usual?.model} />
        <datalist id="models">${MODELS.map((name) => html`<option value=${name} />`)}</datalist>
      </label>
    </form>
    <p class="hint">${engine ? [engine.why, engine.remedy].join(" ") : usual?.reason}</p>`;
}
