// Owns keeping the page in step with the server: which Tasks to list, to subscribe to and to read again.

import { isFinished } from "./task.js";

const SETTLE = 120;
const PAGE = 50;

/** @type {NewSync} */
export function newSync({ api, model, send, scope }) {
  const { dispatch } = model;
  /** @type {Set<string>} */
  const due = new Set();
  let pages = 1;

  const tasks = () => model.state.order.map((id) => model.state.tasks[id]);

  function subscribe(/** @type {TaskState[]} */ all) {
    const open = all.filter((task) => !isFinished(task));
    for (const { id, seq, epoch } of open) send({ type: "subscribe", task_id: id, ...(seq && { after: seq, epoch }) });
    return open;
  }

  function take(/** @type {WholeTask} */ task) {
    const known = model.state.tasks[task.id];
    dispatch({ type: "task_loaded", task, at: Date.now() });
    if (!known) subscribe([model.state.tasks[task.id]]);
  }

  /** Reads one Task again, soon; many wishes at once become one request. */
  function load(/** @type {string} */ id) {
    if (!due.has(id)) scope.after(SETTLE, () => due.delete(id) && sync.read(id).catch(() => {}));
    due.add(id);
  }

  /** @type {SyncLike} */
  const sync = {
    tasks,
    load,

    /** A fresh socket knows nothing: each unfinished Task goes on where its stream stopped, then whatever others submit. */
    async opened() {
      const asked = new Set(subscribe(tasks()).map((task) => task.id));
      send({ type: "subscribe", all: true });
      await sync.reload().catch(() => {});
      subscribe(tasks().filter((task) => !asked.has(task.id)));
    },

    async reload() {
      const known = model.state.order;
      const listed = [];
      let total = 0;
      for (let page = 1; page <= pages; page++) {
        const answer = await api.get(`/tasks?per_page=${PAGE}&page=${page}`);
        listed.push(...answer.tasks);
        total = answer.total;
      }
      dispatch({ type: "tasks_listed", tasks: listed, known, total, at: Date.now() });
    },

    more() {
      pages += 1;
      return sync.reload();
    },

    adopt: (job) => job.tasks.forEach(take),

    async read(id, withText) {
      const path = `/tasks/${encodeURIComponent(id)}`;
      try {
        take(await api.get(path));
        if (withText) dispatch({ type: "transcript_loaded", transcript: await api.get(`${path}/transcript`) });
      } catch (problem) {
        if (/** @type {ProblemLike} */ (problem).status === 404) dispatch({ type: "task_gone", id });
        throw problem;
      }
    },

    received(message) {
      const id = message.task_id;
      dispatch({ type: "heard", at: Date.now() });
      if (!id) return;
      const before = model.state.tasks[id];
      if (message.error_code === "task_not_found") return dispatch({ type: "task_gone", id });
      if (!before || (message.type !== "subscribed" && !message.seq)) return load(id);
      dispatch({ type: "event_received", event: message, at: Date.now() });
      if (tellsMore(before, model.state.tasks[id])) load(id);
    },
  };
  return sync;
}

/** Engine, length, language and warnings are not in the events: the Task is read again when they may have changed. @type {(before: TaskState, after: TaskState) => boolean} */
const tellsMore = (before, after) =>
  before.status !== after.status ||
  before.attempt !== after.attempt ||
  (before.progress_stage !== after.progress_stage && after.progress_stage !== "complete");
