// Owns one recording in the queue, from the first byte to the finished Task: its name, what can be done with it, its newest words.

import { useApp } from "../app.js";
import { later } from "../later.js";
import { html, useLayoutEffect, useMemo, useRef } from "../lib.js";
import { steady } from "../model.js";
import { link } from "../route.js";
import { Icon } from "../shell/icon.js";
import { ProblemBox } from "../shell/problem-box.js";
import { isFinished, newTask } from "../task.js";
import { dateTime, duration, languageName, t } from "../words.js";
import { Meter, paceTold } from "./meter.js";

const Duplicate = later(async () => (await import("./duplicate.js")).Duplicate);

/** @type {Record<string, string>} */
const MARKS = { completed: "check", partial: "check", failed: "alert", cancelled: "close" };

/** Is drawn again when anything changes but the bar and the newest words, which see to themselves. @type {QueuePart} */
export function TaskRow({ id }) {
  const { model } = useApp();
  const known = () => model.task(id).value ?? newTask(id);
  const task = useMemo(() => steady(() => still(known())), []).value;
  const upload = useMemo(() => steady(() => ({ ...model.upload(id).value, sent: 0, told: null })), []).value;
  const words = useMemo(() => steady(() => known().segments.slice(-3).map(({ text }) => text)), []).value;
  const ended = isFinished(task);
  const name = task.filename;
  const text = ended ? task.beginning : words.join(" ");
  return html`<li ref=${useFocusKept()}><article class="task" data-task=${id} data-status=${task.status}>
    <header class="task-head">
      ${ended && html`<${Icon} name=${MARKS[task.status]} />`}
      <div class="task-title">
        <h3 class="task-name"><a href=${link(`/tasks/${id}`)}>${name}</a></h3>
        <p class="task-facts">${factsTold(task)}</p>
      </div>
      <${Actions} task=${task} upload=${upload} name=${name} />
    </header>
    <${Meter} id=${id} name=${name} />
    ${text && html`<p class="preview">${text}</p>`}
    ${[ended ? task.problem : upload.problem, task.refusal].map((problem) => html`<${ProblemBox} problem=${problem} />`)}
    ${(task.reused_from || task.duplicate_of || task.problem?.code === "duplicate_refused") && html`<${Duplicate} task=${task} />`}
    ${task.engine === "pocketsphinx" && html`<p class="note">${t("queue.small_engine")}</p>`}
    ${task.warnings.map((warning) => html`<p class="note">${warning}</p>`)}
  </article></li>`;
}

/** @type {QueuePart} */
function Actions({ task, upload, name }) {
  const { commands, uploads } = useApp();
  const input = useRef(/** @type {any} */ (null));
  const { id, status, asked, uploading } = /** @type {StillTask} */ (task);
  const ended = isFinished({ status });
  const sending = (uploading && upload.state) || "";
  const cancel = () => {
    if (upload.id) uploads((all) => all.drop(id));
    commands.cancel(id);
  };
  const resume = () => uploads((all) => all.resume(id));
  /** The keyboard goes on in the row below. */
  const remove = () => {
    const next = /** @type {any} */ (document.querySelector(`li:has([data-task="${id}"]) ~ li a`) ?? document.querySelector("main"));
    next.focus({ preventScroll: true });
    commands.remove(id);
  };
  /** @type {Deed[]} */
  const all = [
    [/waiting|sending/.test(sending), "pause", "pause", () => uploads((all) => all.pause(id))],
    [/paused|interrupted/.test(sending), "play", "resume", resume],
    [sending === "failed" && upload.problem?.retryable, "retry", "again", resume],
    [uploading && /^(failed)?$/.test(sending), "upload", "go_on", () => input.current.click()],
    [/failed|cancelled/.test(status), "retry", "retry", () => commands.retry(id)],
    [status === "partial", "speakers", "retry_speakers", () => commands.retry(id, { from: "diarizing" })],
    [!ended, "close", "cancel", cancel],
    [ended, "trash", "delete", remove],
  ];
  return html`<div class="task-actions">
    <input type="file" hidden ref=${input} onChange=${() => uploads((all) => all.goOn(id, input.current.files[0]))} />
    ${all.map(([can, icon, words, run]) => can && html`<${Action} key=${words} icon=${icon} words=${words} name=${name} disabled=${!!asked} run=${run} />`)}
  </div>`;
}

/** @type {QueuePart} */
export const Action = ({ icon, words, name, disabled, run }) =>
  html`<button type="button" class="quiet" aria-label=${`${t(`queue.${words}`)}: ${name}`} disabled=${disabled} onClick=${run}>
    <${Icon} name=${icon} /><span>${t(`queue.${words}`)}</span>
  </button>`;

/** A Task without what moves. */
function still(/** @type {TaskState} */ { progress_percentage, stage_percentage, message, stalled, endsAt, pace, began, segments, seq, seen, snapshotSeq, queue_position, ...rest }) {
  return rest;
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
  return facts.flatMap((fact) => (fact ? fact.replaceAll(" ", "\xa0") : [])).join("\xa0· ");
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
