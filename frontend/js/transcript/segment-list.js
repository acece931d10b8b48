// Owns the long list of segments: draws those in sight, keeps the focused one, follows only a reader who is there already.

import { defaultRangeExtractor, observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from "../../vendor/virtual.js";
import { html, useLayoutEffect, useMemo, useRef, useSignalEffect, useState } from "../lib.js";
import { t } from "../words.js";
import { highlight } from "./highlights.js";
import { SegmentRow } from "./segment-row.js";
import { Tool } from "./tool.js";

/** @type {DeskPart} */
export function SegmentList({ desk }) {
  const segments = desk.segments.value;
  const growing = !desk.finished.value;
  const list = useRef(/** @type {any} */ (null));
  const followed = useRef(-1);
  const [, redraw] = useState({});
  const known = useRef({ keys: /** @type {any[]} */ ([]), sizes: /** @type {number[]} */ ([]) }).current;
  const virtual = useMemo(() => newVirtual(known, () => redraw({})), [desk]);
  useMemo(() => {
    known.keys = segments.map(({ key }) => key);
    known.sizes = segments.map(({ text }) => 34 + Math.ceil(text.length / 72) * 27);
  }, [segments]);
  const margin = list.current ? Math.round(list.current.getBoundingClientRect().top + scrollY) : 0;
  virtual.setOptions({ ...virtual.options, count: segments.length, scrollMargin: margin });
  const target = growing ? segments.length - 1 : desk.place.value;
  /** What stays on top of the window while the list is scrolled. */
  const above = () => list.current?.previousElementSibling.offsetHeight ?? 0;

  /** `wholly`: and not only a part of it. What is under the player is not in sight. */
  const isSeen = (/** @type {number} */ place, wholly = false) => {
    const row = virtual.measurementsCache[place];
    const top = scrollY + above();
    const bottom = scrollY + innerHeight;
    return !row || (wholly ? row.start >= top && row.end <= bottom : row.end > top && row.start < bottom);
  };
  desk.show = (place) => isSeen(place, true) || virtual.scrollToIndex(place, { align: "center" });

  useLayoutEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => {
    virtual._willUpdate();
    highlight(list.current, desk);
  });
  useSignalEffect(() => highlight(list.current, desk));
  useLayoutEffect(() => {
    if (isSeen(followed.current) && !desk.editing.peek()) desk.show(target);
    followed.current = target;
  }, [target]);

  const row = (/** @type {any} */ { index, key, start }) => html`<${SegmentRow} key=${key} desk=${desk} index=${index} segment=${segments[index]}
    before=${segments[index - 1]?.speaker} count=${segments.length} top=${start - margin} measure=${virtual.measureElement} />`;
  const lost = (growing || desk.player.playing.value) && !isSeen(target);
  return html`<ol class="segments" role="list" ref=${list} style=${{ height: `${virtual.getTotalSize()}px`, "--above": `${above()}px` }} aria-label=${t("transcript.segments")}>
      ${virtual.getVirtualItems().map(row)}
    </ol>
    ${lost && html`<${Tool} name=${growing ? "newest" : "to_playing"} icon="down" run=${() => desk.show(target)} shown class="primary follow" />`}`;
}

/** All keys and sizes are read again whenever a row is measured, so they lie ready. @param {{ keys: any[], sizes: number[] }} known @param {() => void} onChange @returns {any} */
function newVirtual(known, onChange) {
  const focused = () => Number(document.activeElement?.closest("[data-index]")?.getAttribute("data-index") ?? 0);
  return new Virtualizer({
    count: 0,
    getScrollElement: () => /** @type {Window} */ (window),
    estimateSize: (place) => known.sizes[place],
    getItemKey: (place) => known.keys[place],
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), Math.min(focused(), range.count - 1)])].sort((a, b) => a - b),
    scrollToFn: windowScroll,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    overscan: 4,
    onChange,
  });
}
