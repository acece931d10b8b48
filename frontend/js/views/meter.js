// Owns the bar and the line under it: what is being done, how far, how much of the recording, how long still.

import { audioDone, doing, left, placeInLine } from "../phrasing.js";
import { isFinished } from "../task.js";
import { h, setText } from "./dom.js";

export class Meter {
  #fill = h("div", { class: "bar-fill" });
  #bar = h("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, this.#fill);
  #doing = h("span", { class: "doing" });
  #percent = h("span", { class: "percent" });
  #audio = h("span", { class: "detail" });
  #left = h("span", { class: "detail" });
  #message = h("span", { class: "detail message" });
  #slow = h("span", { class: "slow", text: "taking longer than expected" });
  #line = h("p", { class: "line" }, this.#doing, this.#percent, this.#audio, this.#left, this.#slow, this.#message);
  element = h("div", { class: "meter" }, this.#bar, this.#line);

  show(task) {
    this.element.hidden = isFinished(task) && task.status !== "cancelled";
    this.#bar.hidden = isFinished(task) || task.status === "queued";
    this.#bar.setAttribute("aria-valuenow", task.percentage);
    this.#bar.setAttribute("aria-label", `${doing(task)}, ${task.filename}`);
    this.#fill.style.transform = `scaleX(${task.percentage / 100})`;
    setText(this.#doing, doing(task));
    setText(this.#percent, task.status === "queued" || isFinished(task) ? "" : `${task.percentage} %`);
    setText(this.#audio, audioDone(task) || (task.status === "queued" ? placeInLine(task.queuePosition) : ""));
    setText(this.#message, isFinished(task) ? "" : task.message);
    this.#slow.hidden = !task.stalled;
    this.tick(task, Date.now());
  }

  /** The time left runs down between events. */
  tick(task, now) {
    const running = !isFinished(task) && task.status !== "queued" && !task.stalled;
    setText(this.#left, running ? left(task.endsAt, now) : "");
  }
}
