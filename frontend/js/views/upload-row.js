// Owns one recording on its way to the server: name, bytes sent, cancel, and what to do if it broke off.

import { size } from "../phrasing.js";
import { button, h, setText } from "./dom.js";
import { ProblemView } from "./problem.js";

const STATES = { waiting: "Waiting to be sent", sending: "Uploading", checking: "Checking the recording" };

/** `commands`: `cancel(id)`, `retry(id)`. */
export class UploadRow {
  #name = h("h3", { class: "task-name" });
  #facts = h("p", { class: "task-facts" });
  #fill = h("div", { class: "bar-fill" });
  #bar = h("div", { class: "bar upload-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, this.#fill);
  #doing = h("span", { class: "doing" });
  #percent = h("span", { class: "percent" });
  #detail = h("span", { class: "detail" });
  #meter = h("div", { class: "meter" }, this.#bar, h("p", { class: "line" }, this.#doing, this.#percent, this.#detail));
  #problem = new ProblemView();

  constructor({ id, commands }) {
    this.cancel = button("Cancel", "close", () => commands.cancel(id));
    this.retry = button("Send again", "retry", () => commands.retry(id));
    const actions = h("div", { class: "task-actions" }, this.retry, this.cancel);
    const head = h("header", { class: "task-head" }, h("div", { class: "task-title" }, this.#name, this.#facts), actions);
    this.element = h("article", { class: "task upload", "data-upload": id }, head, this.#meter, this.#problem.element);
  }

  show(upload) {
    const percent = Math.floor(upload.sent * 100);
    const broken = upload.problem !== null;
    setText(this.#name, upload.name);
    setText(this.#facts, size(upload.size));
    this.#meter.hidden = broken;
    this.#bar.setAttribute("aria-valuenow", percent);
    this.#bar.setAttribute("aria-label", `Upload of ${upload.name}`);
    this.#fill.style.transform = `scaleX(${upload.sent})`;
    setText(this.#doing, STATES[upload.state] ?? "");
    setText(this.#percent, upload.state === "sending" ? `${percent} %` : "");
    setText(this.#detail, upload.state === "sending" ? `${size(upload.sent * upload.size)} of ${size(upload.size)}` : "");
    this.#problem.show(upload.problem);
    this.retry.hidden = !upload.problem?.retryable;
    setText(this.cancel.querySelector("span"), broken ? "Dismiss" : "Cancel");
  }
}
