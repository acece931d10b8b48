// Owns telling those who look elsewhere: in the title of the tab how far the Task at work is and how many Jobs ended, and a notification.

import { effect, html, signal, useSignal } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";
import { IconButton } from "./icon.js";

/** Asks for the permission to send notifications, and only when it is clicked. */
export function Bell() {
  const permission = useSignal(globalThis.Notification?.permission);
  const ask = async () => void (permission.value = await Notification.requestPermission());
  return permission.value === "default" && html`<${IconButton} name="bell" label=${t("shell.notify")} onClick=${ask} />`;
}

/** @type {(app: Pick<AppLike, "model" | "route" | "scope">) => void} */
export function notify({ model, route, scope }) {
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
    const [place = "", id = ""] = route.value.parts;
    const here = place === "tasks" ? model.task(id).value?.filename : ["library", "search"].includes(place) && t(`shell.${place}`);
    document.title = [ended.value && `(${ended.value})`, doing || (here && `${here} ·`), t("shell.name")].filter(Boolean).join(" ");
  }

  function tell(/** @type {TaskState[]} */ tasks) {
    const failed = tasks.some(({ status }) => status === "failed");
    const count = tasks.filter(({ status }) => /completed|partial/.test(status)).length;
    if (!failed && !count) return; // somebody cancelled it
    ended.value = ended.peek() + 1;
    const title = failed ? t("shell.ended.failed", { count: tasks.length }) : t("shell.ended", { count });
    const body = tasks.map((task) => task.filename).join(", ");
    try {
      if (Notification.permission === "granted") new Notification(title, { body, icon: "/assets/icon.svg" });
    } catch {
      // Some browsers have none, and some phones have them for service workers alone.
    }
  }

  scope.own(effect(look));
  scope.listen(document, "visibilitychange", () => document.hidden || (ended.value = 0));
}
