// Owns the outline of the recording, drawn from the server's peaks and coloured as far as it was played, and seeking in it.

import { useApp } from "../app.js";
import { html, useComputed, useEffect, useRef, useSignal, useSignalEffect } from "../lib.js";
import { t } from "../words.js";

const BAR = 3;

/** @param {OfDesk & { file: any, length: number }} props */
export function Outline({ desk, file, length }) {
  const { api } = useApp();
  const { time, at, seek } = desk.player;
  const canvas = useRef(/** @type {any} */ (null));
  const [peaks, width] = [useSignal([]), useSignal(0)];
  const played = useComputed(() => Math.round((time.value / length) * (width.value / BAR)));
  useEffect(() => {
    api.get(`/files/${file.id}/peaks?points=2000`).then(({ data }) => (peaks.value = data), () => {});
    const watch = new ResizeObserver(([{ contentRect }]) => (width.value = contentRect.width));
    watch.observe(canvas.current);
    return () => watch.disconnect();
  }, [file.id]);
  useSignalEffect(() => draw(canvas.current, peaks.value, width.value, played.value));
  const moved = (/** @type {any} */ { target }) => {
    seek(target.valueAsNumber);
    desk.show(desk.place.value);
  };
  return html`<div class="outline">
    <canvas ref=${canvas} />
    <input type="range" max=${length} step=${length > 3600 ? 5 : 1} value=${time} aria-label=${t("transcript.seek")} aria-valuetext=${at} onInput=${moved} />
  </div>`;
}

/** The canvas's `color` is for what was played, its `border-color` for the rest. @type {(canvas: any, peaks: number[], width: number, played: number) => void} */
function draw(canvas, peaks, width, played) {
  const pen = canvas.getContext("2d");
  const { color, borderTopColor } = getComputedStyle(canvas);
  const high = canvas.clientHeight;
  [canvas.width, canvas.height] = [width * devicePixelRatio, high * devicePixelRatio];
  pen.scale(devicePixelRatio, devicePixelRatio);
  const bars = Math.floor(width / BAR);
  const most = Math.max(8, ...peaks.map(Math.abs));
  const place = (/** @type {number} */ bar) => 2 * Math.floor(((bar / bars) * peaks.length) / 2);
  for (let bar = 0; bar < bars; bar += 1) {
    const loudest = Math.max(0.05, ...peaks.slice(place(bar), Math.max(place(bar) + 2, place(bar + 1))).map((peak) => Math.abs(peak) / most));
    pen.fillStyle = bar < played ? color : borderTopColor;
    pen.fillRect(bar * BAR, (high * (1 - loudest)) / 2, BAR - 1, high * loudest);
  }
}
