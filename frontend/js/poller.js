// Owns following Tasks without a socket: the list every few seconds, the Task at work by a request that waits for change.

import { isFinished } from "./task.js";

const LIST_EVERY = 3_000;
const WAIT_SECONDS = 10;
const TEXT_EVERY = 1_500;
const PAUSE = 400;

/**
 * `source.tasks()` gives the present Tasks in order, `source.reload()` asks for the list again,
 * `events.progress(answer)`, `events.transcript(answer)`, `events.heard()`, `events.lost(problem)` tell what came of it.
 */
export class Poller {
  #run = null;
  #textAt = new Map();

  constructor({ api, scope, source, events }) {
    this.api = api;
    this.scope = scope;
    this.source = source;
    this.events = events;
  }

  get running() {
    return this.#run !== null;
  }

  start() {
    if (this.#run) return;
    const scope = this.scope.child();
    const abort = new AbortController();
    scope.own(() => abort.abort());
    this.#run = { scope, signal: abort.signal };
    this.#repeat(this.#run, () => this.#list(), LIST_EVERY);
    this.#repeat(this.#run, () => this.#follow(abort.signal), PAUSE);
  }

  stop() {
    this.#run?.scope.dispose();
    this.#run = null;
  }

  async #repeat(run, step, pause) {
    while (this.#run === run) {
      try {
        await step();
        if (this.#run === run) this.events.heard();
      } catch (problem) {
        if (this.#run !== run) return;
        if (problem.code === "unreachable") return this.#lost(problem);
      }
      await new Promise((resume) => run.scope.after(pause, resume));
    }
  }

  #lost(problem) {
    this.stop();
    this.events.lost(problem);
  }

  async #list() {
    await this.source.reload();
  }

  /** The Task at work, or the first in line. */
  #current() {
    const open = this.source.tasks().filter((task) => !isFinished(task));
    return open.find((task) => task.status !== "queued") ?? open.at(-1);
  }

  async #follow(signal) {
    const task = this.#current();
    if (!task) return;
    const progress = await this.api.progress(task.id, { after: task.seen, wait: WAIT_SECONDS, signal });
    this.events.progress(progress);
    if (progress.progress_percentage > 10) await this.#text(task.id, progress, signal);
  }

  async #text(id, progress, signal) {
    const now = Date.now();
    const ended = progress.status === "completed" || progress.status === "partial";
    if (!ended && now - (this.#textAt.get(id) ?? 0) < TEXT_EVERY) return;
    this.#textAt.set(id, now);
    this.events.transcript(await this.api.transcript(id, { signal }));
  }
}
