// Owns writing in one segment: its words, who says them, cutting it in two, joining it with the next, the machine's words again.

import { useApp } from "../app.js";
import { html, useLayoutEffect, useRef } from "../lib.js";
import { t } from "../words.js";
import { tidy } from "./document.js";
import { Tool } from "./tool.js";

const PAUSE = 800;

/** @type {DeskPart} */
export function SegmentEditor({ desk, segment: { key = "", text, speaker, edited }, index }) {
  const { confirm } = useApp();
  const { edits, editing, segments } = desk;
  const area = useRef(/** @type {any} */ (null));
  /** What is written and not yet handed over, and the text that it replaces. */
  const draft = useRef({ timer: 0, base: text });
  const { current } = draft;
  if (!current.timer) current.base = text;
  const add = (/** @type {Edit["kind"]} */ kind, /** @type {any} */ value) => edits.add({ kind, key, value });
  const save = (field = area.current) => {
    clearTimeout(current.timer);
    current.timer = 0;
    edits.writing.value = false;
    const written = tidy(field.value);
    if (written !== current.base) edits.add({ kind: "text", key, value: written }, current.base);
  };
  const typed = () => {
    clearTimeout(current.timer);
    current.timer = setTimeout(save, PAUSE);
    edits.writing.value = true;
  };
  const close = () => {
    const row = area.current.closest("li");
    editing.value = null;
    setTimeout(() => row.lastElementChild.focus());
  };
  const next = () => {
    if (index + 1 === segments.value.length) return close();
    editing.value = segments.value[index + 1].key;
    desk.show(index + 1);
  };
  const split = () => {
    const { value, selectionStart } = area.current;
    save();
    add("split", [...tidy(value.slice(0, selectionStart))].length);
  };
  const merge = () => {
    save();
    add("merge", undefined);
  };
  const restore = async () => {
    save();
    if (await confirm(t("transcript.restore_question"), { detail: t("transcript.restore_detail"), action: t("transcript.restore") })) add("restore", undefined);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const run = { Escape: close, Enter: event.ctrlKey || event.metaKey ? split : next }[event.key];
    if (!run || event.isComposing) return;
    event.preventDefault();
    run();
  };
  // Both at once: what is pressed next is meant for these words.
  useLayoutEffect(() => {
    if (!current.timer && tidy(area.current.value) !== text) area.current.value = text;
  }, [text]);
  useLayoutEffect(() => {
    const field = area.current;
    field.focus();
    // A page that is out of sight may never come back.
    const hidden = desk.scope.listen(document, "visibilitychange", () => current.timer && save(field));
    const closed = desk.scope.own(() => save(field));
    return () => {
      hidden();
      closed();
    };
  }, []);
  return html`<textarea class="words" ref=${area} rows=${Math.ceil(text.length / 60)} maxlength="5000" aria-label=${t("transcript.words")} onInput=${typed} onKeyDown=${keys} />
    <div class="segment-tools">
      <datalist id="speakers">${[...desk.voices.value.keys()].map((name) => html`<option value=${name} />`)}</datalist>
      <input list="speakers" value=${speaker} placeholder=${t("transcript.speaker")} maxlength="100" aria-label=${t("transcript.speaker")} onChange=${({ target }) => add("speaker", target.value || null)} />
      <${Tool} name="split" run=${split} shown />
      ${index + 1 < segments.value.length && html`<${Tool} name="merge" run=${merge} shown />`}
      ${edited && html`<${Tool} name="restore" icon="retry" run=${restore} shown />`}
      <${Tool} name="done" icon="check" run=${close} shown />
    </div>`;
}
