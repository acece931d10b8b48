// Owns who the speakers are: each by a name, and two who are the same person made one.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { Dialog } from "../shell/dialog.js";
import { t } from "../words.js";

/** Each segment that is given is a request of its own, which takes the longer the more segments there are. */
const MOST_GIVEN = 400;

/** @type {DeskPart} */
export function SpeakersDialog({ desk: { edits, segments, voices }, close }) {
  const { confirm } = useApp();
  const said = Map.groupBy(segments.value, (one) => one.speaker_label);
  const speakers = (edits.shown.value?.speakers ?? []).filter(({ label }) => said.has(label));
  const nameOf = (/** @type {any} */ label) => speakers.find((one) => one.label === label)?.name;
  const call = (/** @type {any} */ key, /** @type {string | null} */ value) => edits.add({ kind: "name", key, value });
  /** Of very many segments the two labels stay, under one name: people and exports see no difference. */
  const share = (/** @type {any} */ label, /** @type {any} */ other) => {
    const name = nameOf(other) ?? t("transcript.speaker_number", { number: speakers.findIndex((one) => one.label === other) + 1 });
    if (!nameOf(other)) call(other, name);
    call(label, name);
  };
  const join = async (/** @type {any} */ key, /** @type {any} */ select) => {
    const { value } = select;
    select.value = "";
    const names = { name: nameOf(key) ?? key, other: nameOf(value) ?? value };
    const sure = await confirm(t("transcript.join_question", names), { detail: t("transcript.join_detail", names), action: t("transcript.join") });
    if (sure && (said.get(key)?.length ?? 0) > MOST_GIVEN) share(key, value);
    else if (sure) edits.add({ kind: "give", key, value });
  };
  return html`<${Dialog} title=${t("transcript.speakers")} close=${close}>
    ${speakers.map(({ label, name }) => html`<p key=${label} class=${`speaker-line voice-${voices.value.get(name ?? label)}`}>
      <label><b>${label}</b><input value=${name ?? ""} placeholder=${t("transcript.name")} maxlength="100" onChange=${({ target }) => call(label, target.value || null)} /></label>
      ${speakers[1] && html`<select aria-label=${t("transcript.same_as_for", { label })} onChange=${({ target }) => join(label, target)}>
        <option value="">${t("transcript.same_as")}</option>
        ${speakers.map((other) => other.label !== label && html`<option value=${other.label}>${other.name ?? other.label}</option>`)}
      </select>`}
    </p>`)}
  <//>`;
}
