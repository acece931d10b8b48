// Owns keeping the page in step with the server: which Tasks to list, to subscribe to and to read again.

import { isFinished } from "./task.js";

const SETTLE = 120;

export class Sync {
  #due = new Set();
  #loading = new Set();

  constructor({ api, model, send, scope }) {
    this.api = api;
    this.model = model;
    this.send = send;
    this.scope = scope;
  }

  get tasks() {
    const { order, tasks } = this.model.state;
    return order.map((id) => tasks[id]);
  }

  /** A fresh socket knows nothing: each unfinished Task goes on where its stream stopped, then whatever others submit. */
  async opened() {
    const asked = new Set(this.#subscribe(this.tasks));
    this.send({ type: "subscribe", all: true });
    await this.reload().catch(() => {});
    this.#subscribe(this.tasks.filter((task) => !asked.has(task.id)));
  }

  /** Reads the newest Tasks. Raises a Problem. */
  async reload() {
    const known = [...this.model.state.order];
    const { tasks, total } = await this.api.tasks();
    this.model.dispatch({ type: "tasks_listed", tasks, known, complete: total <= tasks.length, at: Date.now() });
  }

  /** Takes in the Tasks of a Job that this page submitted. */
  adopt(job) {
    for (const task of job.tasks) {
      const known = this.model.state.tasks[task.id];
      this.model.dispatch({ type: "task_loaded", task, at: Date.now() });
      if (!known?.seq) this.#subscribe([this.model.state.tasks[task.id]]);
    }
  }

  /** One message of the socket. */
  received(message) {
    this.model.dispatch({ type: "heard", at: Date.now() });
    const id = message.task_id;
    if (!id) return;
    const before = this.model.state.tasks[id];
    if (message.error_code === "task_not_found") return this.model.dispatch({ type: "task_gone", id });
    if (!before || (message.type !== "subscribed" && !message.seq)) return this.load(id);
    this.model.dispatch({ type: "event_received", event: message, at: Date.now() });
    if (tellsMore(before, this.model.state.tasks[id])) this.load(id);
  }

  /** Reads one Task again, soon; many wishes at once become one request. */
  load(id) {
    if (this.#due.has(id)) return;
    this.#due.add(id);
    this.scope.after(SETTLE, () => this.#loadNow(id));
  }

  async #loadNow(id) {
    if (this.#loading.has(id)) return this.scope.after(SETTLE, () => this.#loadNow(id));
    this.#due.delete(id);
    this.#loading.add(id);
    try {
      const isNew = !this.model.state.tasks[id];
      this.model.dispatch({ type: "task_loaded", task: await this.api.task(id), at: Date.now() });
      if (isNew) this.#subscribe([this.model.state.tasks[id]]);
    } catch (problem) {
      if (problem.status === 404) this.model.dispatch({ type: "task_gone", id });
    } finally {
      this.#loading.delete(id);
    }
  }

  #subscribe(tasks) {
    const open = tasks.filter((task) => !isFinished(task));
    for (const { id, seq, epoch } of open) {
      const place = seq > 0 ? { after: seq, epoch } : {};
      this.send({ type: "subscribe", task_id: id, ...place });
    }
    return open.map((task) => task.id);
  }
}

/** Engine, length, language and warnings are not in the events: the Task is read again when they may have changed. */
function tellsMore(before, after) {
  const stageBegan = before.stage !== after.stage && after.stage !== "complete";
  return before.status !== after.status || before.attempt !== after.attempt || stageBegan;
}
