// Owns who the speakers are: each by a name, and two who are the same person made one.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { Dialog } from "../shell/dialog.js";
import { t } from "../words.js";
import { sayer, tidy } from "./document.js";

/** Each segment that is given is a request of its own, which takes the longer the more segments there are. */
const MOST_GIVEN = 400;

/** @type {DeskPart} */
export function SpeakersDialog({ desk: { edits, segments, voices }, close }) {
  const { confirm } = useApp();
  const said = Map.groupBy(segments.value, sayer);
  /** A name that segments were given by hand has no label: it is all there is of that speaker. */
  const speakers = (edits.shown.value?.speakers ?? []).map(({ label, name }) => ({ id: label ?? name ?? "", label, name, shown: name ?? label ?? "" })).filter(({ id }) => said.has(id));
  const give = (/** @type {string} */ key, /** @type {string} */ value) => edits.add({ kind: "give", key, value });
  const call = (/** @type {any} */ { id, label, name }, /** @type {any} */ field) => {
    const called = tidy(field.value);
    if (label) edits.add({ kind: "name", key: label, value: called || null });
    else if (called && called !== name) give(id, speakers.find((one) => one.name === called)?.id ?? called);
    else field.value = name;
  };
  /** Of very many segments the two labels stay, under one name: people and exports see no difference. */
  const share = (/** @type {any} */ one, /** @type {any} */ other) => {
    const value = other.name ?? t("transcript.speaker_number", { number: speakers.indexOf(other) + 1 });
    if (!other.name) call(other, { value });
    call(one, { value });
  };
  const join = async (/** @type {any} */ one, /** @type {any} */ select) => {
    const other = /** @type {any} */ (speakers.find(({ id }) => id === select.value));
    select.value = "";
    const names = { name: one.shown, other: other.shown };
    const sure = await confirm(t("transcript.join_question", names), { detail: t("transcript.join_detail", names), action: t("transcript.join") });
    if (sure && one.label && (said.get(one.id)?.length ?? 0) > MOST_GIVEN) share(one, other);
    else if (sure) give(one.id, other.id);
  };
  return html`<${Dialog} title=${t("transcript.speakers")} close=${close}>
    ${speakers.map((one) => html`<p key=${one.id} class=${`speaker-line voice-${voices.value.get(one.shown)}`}>
      <label><b>${one.label ?? one.name}</b><input value=${one.name ?? ""} placeholder=${t("transcript.name")} maxlength="100" onChange=${({ target }) => call(one, target)} /></label>
      ${speakers[1] && html`<select aria-label=${t("transcript.same_as_for", { label: one.label ?? one.name })} onChange=${({ target }) => join(one, target)}>
        <option value="">${t("transcript.same_as")}</option>
        ${speakers.map((other) => other !== one && html`<option value=${other.id}>${other.shown}</option>`)}
      </select>`}
    </p>`)}
  <//>`;
}
