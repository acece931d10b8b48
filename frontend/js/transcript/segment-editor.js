// Owns writing in one segment: its words, who says them, cutting it in two, joining it with the next.

import { html, useEffect, useRef } from "../lib.js";
import { t } from "../words.js";
import { tidy } from "./document.js";
import { Tool } from "./tool.js";

const PAUSE = 800;

/** @param {OfDesk & { segment: ShownSegment, index: number }} props */
export function SegmentEditor({ desk, segment: { key = "", text, speaker }, index }) {
  const { edits, editing, segments } = desk;
  const field = useRef(/** @type {any} */ (null));
  const now = useRef({ text, timer: 0 });
  now.current.text = text;
  const add = (/** @type {Edit["kind"]} */ kind, /** @type {any} */ value) => edits.add({ kind, key, value });
  const save = () => {
    clearTimeout(now.current.timer);
    edits.writing.value = false;
    const written = tidy(field.current.value);
    if (written !== now.current.text) add("text", written);
  };
  const typed = () => {
    clearTimeout(now.current.timer);
    edits.writing.value = true;
    now.current.timer = setTimeout(save, PAUSE);
  };
  const close = () => {
    const row = field.current.closest("li");
    editing.value = null;
    setTimeout(() => row.lastElementChild.focus());
  };
  const next = () => {
    if (index + 1 === segments.value.length) return close();
    editing.value = segments.value[index + 1].key;
    desk.show(index + 1);
  };
  const split = () => {
    const before = tidy(field.current.value.slice(0, field.current.selectionStart));
    save();
    add("split", [...before].length);
  };
  const merge = () => {
    save();
    add("merge", undefined);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const run = { Escape: close, Enter: event.ctrlKey || event.metaKey ? split : next }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  };
  useEffect(() => {
    const area = field.current;
    area.focus();
    return () => {
      field.current = area;
      save();
    };
  }, []);
  useEffect(() => {
    if (tidy(field.current.value) !== text) field.current.value = text;
  }, [text]);
  return html`<textarea class="words" ref=${field} rows=${Math.ceil(text.length / 60)} maxlength="5000" aria-label=${t("transcript.words")} onInput=${typed} onKeyDown=${keys} />
    <div class="segment-tools">
      <datalist id="speakers">${[...desk.voices.value.keys()].map((name) => html`<option value=${name} />`)}</datalist>
      <input list="speakers" value=${speaker} placeholder=${t("transcript.speaker")} aria-label=${t("transcript.speaker")} onChange=${({ target }) => add("speaker", target.value || null)} />
      <${Tool} name="split" run=${split} shown />
      ${index + 1 < segments.value.length && html`<${Tool} name="merge" run=${merge} shown />`}
      <${Tool} name="done" icon="check" run=${close} shown />
    </div>`;
}
