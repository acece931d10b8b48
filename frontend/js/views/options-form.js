// Owns the options of a submission: engine, model, language, speakers; what is left alone is left to the server.

import { engineName, languageName, speakersPhrase } from "../phrasing.js";
import { h, setText } from "./dom.js";

const MODELS = ["tiny", "base", "small", "medium", "large-v3", "large-v3-turbo", "distil-large-v3"];

const LANGUAGES = (
  "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn " +
  "sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my " +
  "bo tl mg as tt haw ln ha ba jw su yue"
).split(" ");

const MOST_SPEAKERS = 8;
const NO_SPEAKERS = "off";

export class OptionsForm {
  constructor({ form, summary, scope }) {
    this.form = form;
    this.summary = summary;
    this.engine = form.elements.namedItem("engine");
    this.model = form.elements.namedItem("model");
    this.hint = form.querySelector("[data-part=engine-hint]");
    form.querySelector("datalist").append(...MODELS.map((name) => h("option", { value: name })));
    form.elements.namedItem("language").append(...languageOptions());
    form.elements.namedItem("speakers").append(...speakerOptions());
    scope.listen(form, "input", () => this.#changed());
    scope.listen(form, "submit", (event) => event.preventDefault());
    this.#changed();
  }

  /** The fields that a person set, under their names on the wire. */
  get values() {
    const chosen = [...new FormData(this.form)].map(([name, value]) => [name, value.trim()]);
    const { speakers, ...values } = Object.fromEntries(chosen.filter(([, value]) => value !== ""));
    if (speakers === NO_SPEAKERS) return { ...values, diarize: false };
    return speakers ? { ...values, diarize: true, num_speakers: Number(speakers) } : values;
  }

  show({ engines }) {
    if (!engines || engines === this.engines) return;
    this.engines = engines;
    const { default: usual } = engines;
    const model = usual.engine === "pocketsphinx" ? null : usual.model;
    const automatic = h("option", { value: "", text: `Automatic (${[engineName(usual.engine), model].filter(Boolean).join(" ")})` });
    this.engine.replaceChildren(automatic, ...engines.engines.map(engineOption));
    this.#changed();
  }

  #changed() {
    const small = (this.engine.value || this.engines?.default.engine) === "pocketsphinx";
    this.model.disabled = small;
    this.model.placeholder = small ? "its own, for English" : (this.engines?.default.model ?? "the server's");
    setText(this.hint, this.#hint());
    const { values } = this;
    const parts = [values.engine && engineName(values.engine), values.model, values.language && languageName(values.language)];
    const speakers = values.diarize === false ? "no speakers" : values.num_speakers && speakersPhrase(values.num_speakers);
    setText(this.summary, [...parts, speakers].filter(Boolean).join(" · ") || "engine, model, language, speakers");
  }

  #hint() {
    if (!this.engines) return "";
    const chosen = this.engines.engines.find((engine) => engine.name === this.engine.value);
    if (!chosen) return this.engines.default.reason ?? "";
    return [chosen.why, chosen.usable ? null : chosen.remedy].filter(Boolean).join(" ");
  }
}

function engineOption({ name, usable, version }) {
  const label = [engineName(name), version, usable ? null : "(not available here)"].filter(Boolean).join(" ");
  return h("option", { value: name, text: label, disabled: !usable });
}

function speakerOptions() {
  const numbers = Array.from({ length: MOST_SPEAKERS }, (_, place) => place + 1);
  return [
    h("option", { value: "", text: "Told apart" }),
    h("option", { value: NO_SPEAKERS, text: "Not told apart" }),
    ...numbers.map((number) => h("option", { value: String(number), text: speakersPhrase(number) })),
  ];
}

function languageOptions() {
  const named = LANGUAGES.map((code) => ({ code, name: languageName(code) }));
  named.sort((a, b) => a.name.localeCompare(b.name, "en"));
  return named.map(({ code, name }) => h("option", { value: code, text: name }));
}
