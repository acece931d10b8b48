// Owns one Task on the page: its name, what can be done with it, its bar, its words, its failure.

import { engineName, languageName, length, moment, speakersPhrase } from "../phrasing.js";
import { isFinished } from "../task.js";
import { button, h, icon, setText } from "./dom.js";
import { EngineNote } from "./engine-note.js";
import { Exports } from "./exports.js";
import { Meter } from "./meter.js";
import { ProblemView } from "./problem.js";
import { TranscriptView } from "./transcript.js";

const SURE_WITHIN = 4_000;
const PREVIEW = 240;
const HAS_TRANSCRIPT = new Set(["completed", "partial"]);

/** `commands`: `cancel(id)`, `retry(id)`, `remove(id)`, `read(id)` (loads the transcript), and those of `Exports`. */
export class TaskRow {
  #task;
  #chosen = null;
  #name = h("h3", { class: "task-name" });
  #facts = h("p", { class: "task-facts" });
  #mark = h("span", { class: "task-mark" });
  #preview = h("p", { class: "preview" });
  #toggle = button("Show transcript", "chevron", () => this.#unfold(), { class: "quiet toggle" });
  #cancel = button("Cancel", "close", () => this.commands.cancel(this.#task.id));
  #retry = button("Retry", "retry", () => this.commands.retry(this.#task.id));
  #remove = button("Delete", "trash", () => this.#removeWhenSure());
  #meter = new Meter();
  #problem = new ProblemView();
  #refusal = new ProblemView();
  #transcript = new TranscriptView();
  #note = new EngineNote();

  constructor({ id, commands, scope }) {
    this.commands = commands;
    this.scope = scope;
    this.exports = new Exports({ scope, commands });
    const actions = h("div", { class: "task-actions" }, this.#cancel, this.#retry, this.#remove);
    const head = h("header", { class: "task-head" }, this.#mark, h("div", { class: "task-title" }, this.#name, this.#facts), actions);
    const foot = h("footer", { class: "task-foot" }, this.#toggle, this.exports.element);
    const words = [this.#preview, this.#transcript.element, this.#note.element];
    const parts = [head, this.#meter.element, this.#problem.element, this.#refusal.element, ...words, foot];
    this.element = h("article", { class: "task", "data-task": id }, ...parts);
  }

  show(task, engines) {
    if (task === this.#task && engines === this.engines) return;
    this.#task = task;
    this.engines = engines;
    this.element.dataset.status = task.status;
    setText(this.#name, task.filename);
    setText(this.#facts, factsOf(task));
    this.#showMark(task);
    this.#meter.show(task);
    this.#problem.show(task.problem, [["Task", task.id]]);
    this.#refusal.show(task.refusal);
    this.#showWords(task);
    this.#showActions(task);
  }

  tick(now) {
    if (!isFinished(this.#task)) this.#meter.tick(this.#task, now);
  }

  #showMark(task) {
    const name = { completed: "check", partial: "check", failed: "alert", cancelled: "close" }[task.status];
    if (this.#mark.dataset.icon === (name ?? "")) return;
    this.#mark.dataset.icon = name ?? "";
    this.#mark.replaceChildren(...(name ? [icon(name)] : []));
  }

  /** What was watched while it grew stays open; what was finished before shows its first words. */
  #showWords(task) {
    const open = this.#chosen ?? task.lived;
    const has = task.segments.length > 0 || Boolean(task.text);
    this.#transcript.show(task, open);
    this.#preview.hidden = open || !task.text;
    setText(this.#preview, (task.text ?? "").slice(0, PREVIEW));
    this.#note.show(task, this.engines);
    this.#note.element.hidden ||= !open && isFinished(task);
    this.#toggle.hidden = !isFinished(task) || !has;
    this.#toggle.setAttribute("aria-expanded", String(open));
    setText(this.#toggle.querySelector("span"), open ? "Hide transcript" : "Show transcript");
    this.exports.show(task);
  }

  #showActions(task) {
    const finished = isFinished(task);
    this.#cancel.hidden = finished;
    this.#cancel.disabled = task.asked !== null;
    this.#retry.hidden = !finished || task.status === "completed";
    setText(this.#retry.querySelector("span"), task.status === "partial" ? "Retry speakers" : "Retry");
    this.#retry.disabled = this.#remove.disabled = task.asked !== null;
    this.#remove.hidden = !finished;
    for (const [action, what] of [[this.#cancel, "Cancel"], [this.#retry, "Retry"], [this.#remove, "Delete"]])
      action.setAttribute("aria-label", `${what} ${task.filename}`);
  }

  #unfold() {
    this.#chosen = !(this.#chosen ?? this.#task.lived);
    if (this.#chosen && this.#task.segments.length === 0) this.commands.read(this.#task.id);
    this.#showWords(this.#task);
  }

  #removeWhenSure() {
    const label = this.#remove.querySelector("span");
    if (this.#remove.classList.contains("sure")) return this.commands.remove(this.#task.id);
    this.#remove.classList.add("sure");
    label.textContent = "Really delete?";
    return this.scope.after(SURE_WITHIN, () => {
      this.#remove.classList.remove("sure");
      label.textContent = "Delete";
    });
  }
}

function factsOf(task) {
  const engine = task.engine && [engineName(task.engine), task.engine === "pocketsphinx" ? null : task.model].filter(Boolean).join(" ");
  const took = HAS_TRANSCRIPT.has(task.status) && task.startedAt ? (Date.parse(task.completedAt) - Date.parse(task.startedAt)) / 1000 : null;
  const facts = [
    task.duration && length(task.duration),
    task.language && languageName(task.language),
    task.speakerCount && speakersPhrase(task.speakerCount),
    engine,
    took !== null && took >= 0 && `done in ${length(took)}`,
    task.attempt > 1 && `attempt ${task.attempt}`,
    task.createdAt && moment(task.createdAt, Date.now()),
  ];
  return facts.filter(Boolean).join(" · ");
}
