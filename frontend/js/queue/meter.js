// Owns the bar of a row and the line beneath it: the one part that is drawn again whenever something moves. Every number is the server's.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { isFinished } from "../task.js";
import { clock, duration, number, percent, t } from "../words.js";

/** @type {QueuePart} */
export function Meter({ id, name }) {
  const { model } = useApp();
  const upload = model.upload(id).value;
  const task = model.task(id).value;
  if (!task || isFinished(task)) return null;
  const now = task.endsAt || task.queue_position === 1 ? model.now.value : 0;
  const { value, busy, words } = upload && task.uploading ? upload.told : taskTold(task, now, freeAt(model));
  return html`<div class="meter">
    ${value !== undefined && html`<div class=${busy ? "bar busy" : "bar"} role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${busy ? undefined : Math.floor(value)}><div class="bar-fill" style=${{ transform: `scaleX(${value / 100})` }} /></div>`}
    <p class="line">${Object.entries(words).map(([kind, text]) => text && html`<span key=${kind} class=${kind}>${text}</span>`)}</p>
  </div>`;
}

/** When the first of the running Tasks ends, if the server can tell of all that run. */
function freeAt(/** @type {ModelLike} */ model) {
  const ends = Object.values(model.state.tasks).flatMap(({ status, endsAt }) => (status === "processing" ? [endsAt ?? NaN] : []));
  return ends.length ? Math.min(...ends) : NaN;
}

/** A Task that is not finished, at `now` (ms). @type {TellTask} */
export function taskTold(task, now, freeAt) {
  const { status, asked, progress_stage: stage, stage_percentage: part, duration_seconds: length, queue_position: place, pace, endsAt, stalled, message } = task;
  if (task.uploading) return { value: part, words: { doing: t(part < 100 ? "queue.arriving" : "queue.checking"), percent: percent(part) } };
  const doing = t(asked === "cancel" ? "queue.cancelling" : status === "processing" ? `queue.stage.${stage}` : `queue.status.${status}`);
  if (status === "queued")
    return { words: { doing, place: place && t("queue.place", { count: place }), starts: place === 1 && freeAt > 0 && t("queue.starts", { time: about(freeAt - now) }) } };
  const heard = stage === "transcribing" && length ? (length * part) / 100 : 0;
  return {
    value: task.progress_percentage,
    busy: part === 0,
    words: {
      doing,
      percent: percent(task.progress_percentage),
      audio: heard > 0 && of(clock(heard), clock(length ?? 0)),
      pace: heard > 0 && pace && paceTold(pace),
      left: endsAt && !stalled && t("queue.left", { time: about(endsAt - now) }),
      slow: stalled && t("queue.stalled"),
      message,
    },
  };
}

export const paceTold = (/** @type {number} */ pace) => t("queue.pace", { pace: number(pace, { maximumSignificantDigits: 2 }) });

const of = (/** @type {string} */ done, /** @type {string} */ all) => t("queue.of", { done, all });

/** No more exact than it is known. */
const about = (/** @type {number} */ ms) => duration(ms < 60_000 ? Math.max(5, Math.round(ms / 5000) * 5) : ms / 1000);
