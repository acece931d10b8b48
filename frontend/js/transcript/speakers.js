// Owns who the speakers are: each by a name, several by the same one.

import { html } from "../lib.js";
import { Dialog } from "../shell/dialog.js";
import { t } from "../words.js";

/** @param {OfDesk & { close: () => void }} props */
export function SpeakersDialog({ desk: { edits, voices }, close }) {
  const speakers = (edits.shown.value?.speakers ?? []).filter(({ label }) => label);
  const call = (/** @type {any} */ key, /** @type {string | null} */ value) => edits.add({ kind: "name", key, value });
  const join = (/** @type {any} */ label, /** @type {number} */ with_) => {
    const other = speakers[with_];
    const name = other.name ?? t("transcript.speaker_number", { number: with_ + 1 });
    if (!other.name) call(other.label, name);
    call(label, name);
  };
  return html`<${Dialog} title=${t("transcript.speakers")} close=${close}>
    ${speakers.map(({ label, name }) => html`<p key=${label} class=${`speaker-line voice-${voices.value.get(name ?? label)}`}>
      <label><b>${label}</b><input value=${name ?? ""} placeholder=${t("transcript.name")} maxlength="100" onChange=${({ target }) => call(label, target.value || null)} /></label>
      ${speakers[1] && html`<select aria-label=${t("transcript.same_as_for", { label })} value="" onChange=${({ target }) => join(label, Number(target.value))}>
        <option value="">${t("transcript.same_as")}</option>
        ${speakers.map((other, at) => other.label !== label && html`<option value=${at}>${other.name ?? other.label}</option>`)}
      </select>`}
    </p>`)}
    <p class="hint">${t("transcript.speakers_hint")}</p>
  <//>`;
}
