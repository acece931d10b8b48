// Owns telling those who look elsewhere: in the title of the tab how far the Task at work is and how many Jobs ended, and a notification.

import { effect, html, signal } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";
import { IconButton } from "./icon.js";

const ended = signal(0);
const permission = signal(globalThis.Notification?.permission);

/** @type {(app: AppLike) => void} */
export function notify({ model, uploads, scope }) {
  /** Jobs seen unfinished: only those can end. What was dropped together counts as one. */
  const open = new Set();

  function look() {
    const tasks = model.order.value.flatMap((id) => model.task(id).value ?? []);
    const jobs = Map.groupBy(tasks, ({ id, job_id }) => uploads.batches[id] ?? job_id);
    jobs.forEach((own, job) => {
      if (!own.every(isFinished)) open.add(job);
      else if (open.delete(job) && document.hidden) tell(own);
    });
    const current = tasks.findLast(({ status }) => /ing$/.test(status));
    const doing = current && t("shell.doing", { percent: current.progress_percentage, name: current.filename });
    document.title = [ended.value && `(${ended.value})`, doing, t("shell.name")].filter(Boolean).join(" ");
  }

  scope.own(effect(look));
  scope.listen(document, "visibilitychange", () => document.hidden || (ended.value = 0));
}

/** @type {(tasks: TaskState[]) => void} */
function tell(tasks) {
  ended.value = ended.peek() + 1;
  const title = t(tasks.some(({ status }) => status === "failed") ? "shell.ended.failed" : "shell.ended", { count: tasks.length });
  const body = tasks.map((task) => task.filename).join(", ");
  if (permission.peek() === "granted") new Notification(title, { body, icon: "/assets/icon.svg" });
}

/** Asks for the permission, and only when it is clicked. */
export function Bell() {
  const ask = async () => void (permission.value = await Notification.requestPermission());
  return permission.value === "default" && html`<${IconButton} name="bell" label=${t("shell.notify")} onClick=${ask} />`;
}
