// Owns saying whether what a person wrote is on the server.

import { useApp } from "../app.js";
import { html, useSignalEffect } from "../lib.js";
import { t } from "../words.js";

/** @type {DeskPart} */
export function SaveState({ desk: { edits, editable } }) {
  const { announce } = useApp();
  const said = () => {
    const why = edits.problem.value?.message;
    if (edits.conflict.value) return t("transcript.undecided");
    const unsaved = edits.writing.value || edits.waiting.value.length;
    if (why) return t(unsaved ? "transcript.not_saved" : "transcript.not_read", { why });
    return t(unsaved ? "transcript.saving" : "transcript.saved");
  };
  useSignalEffect(() => {
    if (edits.problem.value) announce(said(), "saving");
  });
  return html`<span class="saved">${editable.value && said()}</span>`;
}
