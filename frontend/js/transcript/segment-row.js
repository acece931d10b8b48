// Owns one segment of the list: when, who, what. A click in the words plays from there, a second one writes.

import { html, useComputed } from "../lib.js";
import { clock, t } from "../words.js";
import { timedWords } from "./moments.js";
import { SegmentEditor } from "./segment-editor.js";

/** @type {DeskPart} */
export function SegmentRow({ desk, segment, before, index, count, top, measure }) {
  const { start, speaker, text, key } = segment;
  const { editing, editable, player, voices } = desk;
  const current = useComputed(() => desk.place.value === index);
  const time = clock(start);
  const edit = () => editable.value && (editing.value = key);
  const play = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    /** Chromium before 128 and Safari before 18.4 know only the other one. @type {any} */
    const page = document;
    const offset = page.caretPositionFromPoint?.(clientX, clientY)?.offset ?? page.caretRangeFromPoint?.(clientX, clientY)?.startOffset ?? 0;
    if (getSelection()?.isCollapsed) player.seek(timedWords(segment).find(({ to }) => offset <= to)?.start ?? start);
  };
  return html`<li ref=${measure} data-index=${index} class=${`segment voice-${voices.value.get(speaker)}`} aria-current=${current} style=${{ transform: `translateY(${top}px)` }} aria-setsize=${count} aria-posinset=${index + 1}>
    <button type="button" class="quiet segment-time" aria-label=${t("transcript.play_from", { time })} onClick=${() => player.seek(start)}>${time}</button>
    <div>
      ${speaker && speaker !== before && html`<b>${speaker}</b>`}
      ${editing.value === key && editable.value ? html`<${SegmentEditor} ...${{ desk, segment, index }} />` : html`<p class="words" onClick=${play} onDblClick=${edit}>${text}</p>`}
    </div>
    ${editable.value && html`<button type="button" class="quiet" aria-label=${t("transcript.edit_at", { time })} onClick=${edit}>${t("transcript.edit")}</button>`}
  </li>`;
}
