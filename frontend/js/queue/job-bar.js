// Owns the head of a Job with several recordings: how many are done, how many failed, and what can be done with all of them.

import { useApp } from "../app.js";
import { html, useEffect } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";
import { Action } from "./task-row.js";

/** The Tasks of such Jobs, by the first of them that is shown. @type {Headed} */
export function headsOf(shown, all) {
  const jobs = Map.groupBy(all, (task) => task.job_id);
  const heads = new Map();
  for (const { id, job_id } of shown) {
    const tasks = jobs.get(job_id) ?? [];
    if (tasks.length > 1) heads.set(id, tasks);
    jobs.delete(job_id);
  }
  return heads;
}

/** `partly`: there may be more of it. @type {QueuePart} */
export function JobBar({ tasks, partly }) {
  const { model, uploads, commands } = useApp();
  const [open, failed] = [tasks.filter((task) => !isFinished(task)), tasks.filter(({ status }) => status === "failed")];
  const [all, done, job] = [tasks.length, tasks.length - open.length, tasks[0].job_id];
  const name = t("queue.batch", { count: all });
  useEffect(() => void (partly && commands.whole(job)), [job, partly]);
  const cancelAll = () => {
    for (const { id } of open) if (model.upload(id).peek()) uploads((own) => own.drop(id));
    commands.askJob(job, "cancel");
  };
  return html`<li class="batch">
    <h3>${name}</h3>
    <progress max=${all} value=${done} aria-label=${name} />
    <span>${t("queue.batch.done", { done, all })}</span>
    ${failed.length > 0 && html`<span class="slow">${t("queue.batch.failed", { count: failed.length })}</span>
      <${Action} icon="retry" words="retry_failed" name=${name} run=${() => commands.askJob(job, "retry")} />`}
    ${open.length > 0 && html`<${Action} icon="close" words="cancel_all" name=${name} run=${cancelAll} />`}
  </li>`;
}
