// Owns the outline of the recording, drawn from the server's peaks and coloured as far as it was played, and seeking in it.

import { useApp } from "../app.js";
import { html, useComputed, useEffect, useSignal } from "../lib.js";
import { t } from "../words.js";
import { patient } from "./patient.js";

const BARS = 240;

/** @type {DeskPart} */
export function Outline({ desk, file, length }) {
  const { api } = useApp();
  const { time, at, seek } = desk.player;
  const peaks = useSignal([]);
  useEffect(() => patient(desk.scope, () => api.get(`/files/${file.id}/peaks?points=${BARS}`), ({ data }) => (peaks.value = data)), [file.id]);
  const bars = useComputed(() => drawn(peaks.value));
  const box = useComputed(() => `0 -1 ${peaks.value.length / 2} 2`);
  const moved = (/** @type {any} */ { target }) => {
    seek(target.valueAsNumber);
    desk.show(desk.place.value);
  };
  const upTo = (/** @type {number} */ percent) =>
    html`<svg viewBox=${box} preserveAspectRatio="none" aria-hidden="true" style=${{ clipPath: `inset(0 ${100 - percent}% 0 0)` }}><path d=${bars} /></svg>`;
  return html`<div class="outline">
    ${upTo(100)}${upTo((100 * time.value) / length)}
    <input type="range" max=${length} step=${length < 60 ? 0.1 : length < 3600 ? 1 : 5} value=${time} aria-label=${t("transcript.seek")} aria-valuetext=${at} onInput=${moved} />
  </div>`;
}

/** A line up and down for each pair of peaks, the loudest over the whole height. @type {(peaks: number[]) => string} */
function drawn(peaks) {
  const loudness = Array.from({ length: peaks.length / 2 }, (_, at) => Math.max(-peaks[2 * at], peaks[2 * at + 1]));
  const most = Math.max(8, ...loudness);
  return loudness.map((loud, at) => `M${at + 0.5} ${-Math.max(0.05, loud / most)}v${2 * Math.max(0.05, loud / most)}`).join("");
}
