// Owns the head of a batch: how many of its recordings are done, how many failed, and what can be done with all of them.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";
import { Action } from "./task-row.js";

/** @type {QueuePart} */
export function JobBar({ tasks }) {
  const { model, uploads, commands } = useApp();
  const [open, failed] = [tasks.filter((task) => !isFinished(task)), tasks.filter(({ status }) => status === "failed")];
  const [all, done] = [tasks.length, tasks.length - open.length];
  const name = t("queue.batch", { count: all });
  /** Recordings that came in pieces have a Job each. @type {(some: Listed[], what: (job: string) => void) => void} */
  const each = (some, what) => new Set(some.map((task) => task.job_id)).forEach((job) => what(job));
  const cancelAll = () => {
    for (const { id } of open) uploads.drop(model.upload(id).peek()?.id ?? "");
    each(open, commands.cancelJob);
  };
  return html`<li class="batch">
    <h3>${name}</h3>
    <progress max=${all} value=${done} aria-label=${name} />
    <span>${t("queue.batch.done", { done, all })}</span>
    ${failed.length > 0 && html`<span class="slow">${t("queue.batch.failed", { count: failed.length })}</span>
      <${Action} icon="retry" words="retry_failed" name=${name} run=${() => each(failed, commands.retryJob)} />`}
    ${open.length > 0 && html`<${Action} icon="close" words="cancel_all" name=${name} run=${cancelAll} />`}
  </li>`;
}
