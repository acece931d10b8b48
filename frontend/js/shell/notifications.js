// Owns telling those who look elsewhere: in the title of the tab how far the Task at work is and how many Jobs ended, and a notification.

import { effect, signal } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";

/** @type {(app: Pick<AppLike, "model" | "scope">) => void} */
export function notify({ model, scope }) {
  const ended = signal(0);
  /** Jobs seen unfinished: only those can end. */
  const open = new Set();

  function look() {
    const tasks = model.order.value.flatMap((id) => model.task(id).value ?? []);
    Map.groupBy(tasks, (task) => task.job_id).forEach((own, job) => {
      if (!own.every(isFinished)) open.add(job);
      else if (open.delete(job) && document.hidden) tell(own);
    });
    const current = tasks.findLast(({ status }) => /ing$/.test(status));
    const doing = current && t("shell.doing", { percent: current.progress_percentage, name: current.filename });
    document.title = [ended.value && `(${ended.value})`, doing, t("shell.name")].filter(Boolean).join(" ");
  }

  function tell(/** @type {TaskState[]} */ tasks) {
    ended.value = ended.peek() + 1;
    const title = t(tasks.some(({ status }) => status === "failed") ? "shell.ended.failed" : "shell.ended", { count: tasks.length });
    const body = tasks.map((task) => task.filename).join(", ");
    if (globalThis.Notification?.permission === "granted") new Notification(title, { body, icon: "/assets/icon.svg" });
  }

  scope.own(effect(look));
  scope.listen(document, "visibilitychange", () => document.hidden || (ended.value = 0));
}
