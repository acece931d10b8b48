// Owns what a screen reader is told of the Tasks: changes worth a sentence, at most one every two seconds.

import { connectionPhrase, doing } from "../phrasing.js";
import { setText } from "./dom.js";

const PAUSE = 2_000;
const STEP = 25;

export class Announcer {
  #said = new Map();
  #waiting = new Map();
  #pausing = false;

  constructor({ element, scope }) {
    this.element = element;
    this.scope = scope;
  }

  show({ order, tasks, connection, listed }) {
    for (const id of order) this.#note(id, sentence(tasks[id]), listed && tasks[id].lived);
    this.#note("connection", `Connection: ${connectionPhrase({ ...connection, retryAt: null }, 0)}`, connection.state !== "connecting");
  }

  #note(key, text, aloud) {
    if (this.#said.get(key) === text) return;
    this.#said.set(key, text);
    if (!aloud) return;
    this.#waiting.set(key, text);
    this.#speak();
  }

  /** What came up during the pause is said in one go, only the newest of each Task. */
  #speak() {
    if (this.#pausing || this.#waiting.size === 0) return;
    setText(this.element, [...this.#waiting.values()].slice(-3).join(" "));
    this.#waiting.clear();
    this.#pausing = true;
    this.scope.after(PAUSE, () => {
      this.#pausing = false;
      this.#speak();
    });
  }
}

function sentence(task) {
  const step = Math.floor(task.percentage / STEP) * STEP;
  const far = task.status === "processing" && step > 0 ? `, ${step} percent` : "";
  return `${task.filename}: ${doing(task)}${far}${task.stalled ? ", taking longer than expected" : ""}.`;
}
