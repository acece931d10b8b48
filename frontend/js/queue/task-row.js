// Owns one recording in the queue, from the first byte to the finished Task: its name, what can be done with it, its newest words.

import { useApp } from "../app.js";
import { html, useLayoutEffect, useMemo, useRef } from "../lib.js";
import { steady } from "../model.js";
import { link } from "../route.js";
import { Icon } from "../shell/icon.js";
import { ProblemBox } from "../shell/problem-box.js";
import { isFinished } from "../task.js";
import { dateTime, duration, t } from "../words.js";
import { Duplicate } from "./duplicate.js";
import { isArriving, Meter, paceTold } from "./meter.js";
import { languageName } from "./options-form.js";

/** @type {Record<string, string>} */
const MARKS = { completed: "check", partial: "check", failed: "alert", cancelled: "close" };

/** A recording that is not announced yet has no `id`. @type {QueuePart} */
export function TaskRow({ id, uploadId }) {
  const { model } = useApp();
  const task = useMemo(() => steady(() => still(model.task(id).value)), [id]).value;
  const upload = useMemo(() => steady(() => ({ ...model.uploads.value.find((one) => one.id === uploadId), sent: 0 })), [uploadId]).value;
  const words = useMemo(() => steady(() => model.task(id).value?.segments.slice(-3).map(({ text }) => text) ?? []), [id]).value;
  const ended = task && isFinished(task);
  const name = task?.filename ?? upload.name;
  const text = ended ? task.result_text?.slice(0, 240) : words.join(" ");
  return html`<li ref=${useFocusKept()}><article class="task" data-task=${id || undefined} data-status=${task?.status ?? "queued"}>
    <header class="task-head">
      ${ended && html`<${Icon} name=${MARKS[task.status]} />`}
      <div class="task-title">
        <h3 class="task-name">${id ? html`<a href=${link(`/tasks/${id}`)}>${name}</a>` : name}</h3>
        ${task && html`<p class="task-facts">${factsTold(task)}</p>`}
      </div>
      <${Actions} task=${task} upload=${upload} name=${name} />
    </header>
    <${Meter} id=${id} uploadId=${uploadId} name=${name} />
    ${text && html`<p class="preview">${text}</p>`}
    ${[ended ? task.problem : upload.problem, task?.refusal].map((problem) => html`<${ProblemBox} problem=${problem} />`)}
    ${task && html`<${Duplicate} task=${task} upload=${upload} />`}
    ${task?.engine === "pocketsphinx" && html`<p class="note">${t("queue.small_engine")}</p>`}
    ${task?.warnings.map((warning) => html`<p class="note">${warning}</p>`)}
  </article></li>`;
}

/** @type {QueuePart} */
function Actions({ task, upload, name }) {
  const { commands, uploads } = useApp();
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { id = "", status = "queued", asked } = task ?? {};
  const ended = isFinished({ status });
  const sending = ended ? "" : upload.state;
  const cancel = () => {
    uploads.drop(upload.id);
    if (id) commands.cancel(id);
  };
  /** @type {[unknown, string, string, () => void][]} */
  const all = [
    [/waiting|sending/.test(sending), "pause", "pause", () => uploads.pause(upload.id)],
    [/paused|interrupted/.test(sending), "play", "resume", () => uploads.resume(upload)],
    [sending === "failed" && upload.problem?.retryable, "retry", "again", () => uploads.resume(upload)],
    [task?.arriving && /^(undefined|failed)$/.test(sending), "upload", "go_on", () => input.current?.click()],
    [/failed|cancelled/.test(status), "retry", "retry", () => commands.retry(id)],
    [status === "partial", "speakers", "retry_speakers", () => commands.retrySpeakers(id)],
    [!ended, "close", "cancel", cancel],
    [ended, "trash", "delete", () => commands.remove(id)],
  ];
  return html`<div class="task-actions">
    <input type="file" hidden ref=${input} onChange=${(/** @type {any} */ { target }) => uploads.goOn(id, target.files[0])} />
    ${all.map(([can, icon, words, run]) => can && html`<${Action} key=${words} icon=${icon} words=${words} name=${name} disabled=${!!asked} run=${run} />`)}
  </div>`;
}

/** @type {QueuePart} */
export const Action = ({ icon, words, name, disabled, run }) =>
  html`<button type="button" class="quiet" aria-label=${`${t(`queue.${words}`)}: ${name}`} disabled=${disabled} onClick=${run}>
    <${Icon} name=${icon} /><span>${t(`queue.${words}`)}</span>
  </button>`;

/** A Task without what moves: a row is drawn again when something else changes. @returns {StillTask | undefined} */
function still(/** @type {TaskState | undefined} */ task) {
  if (!task) return undefined;
  const { progress_percentage, stage_percentage, message, stalled, endsAt, pace, began, segments, seq, seen, snapshotSeq, queue_position, ...rest } = task;
  return { ...rest, arriving: isArriving(task) };
}

function factsTold(/** @type {StillTask} */ task) {
  const { duration_seconds: length, detected_language: language, speaker_count: speakers, started_at: began, completed_at: ended } = task;
  const took = /completed|partial/.test(task.status) && began && ended ? (Date.parse(ended) - Date.parse(began)) / 1000 : 0;
  const facts = [
    length && duration(length),
    language && languageName(language),
    speakers && t("queue.people", { count: speakers }),
    task.engine && [task.engine, task.model].join(" "),
    took > 0 && t("queue.took", { time: duration(took) }),
    took > 0 && length && paceTold(length / took),
    task.attempt > 1 && t("queue.attempt", { attempt: task.attempt }),
    dateTime(task.created_at),
  ];
  return facts.filter(Boolean).join(" · ");
}

/** What had the focus may be gone after a change: then it goes to the row's name, and not to the beginning of the page. */
function useFocusKept() {
  const row = useRef(/** @type {HTMLElement | null} */ (null));
  const had = row.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    if (had && document.activeElement === document.body) row.current?.querySelector("a")?.focus();
  });
  return row;
}
