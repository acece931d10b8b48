// Owns keeping the page in step with the server: which Tasks to list, to subscribe to and to read again.

import { isFinished } from "./task.js";

const SETTLE = 120;
const AGAIN = 5_000;
const PAGE = 50;

/** @type {NewSync} */
export function newSync({ api, model, send, scope }) {
  const { dispatch } = model;
  /** @type {Set<string>} */
  const due = new Set();
  let wish = "";
  let pages = 1;
  let watched = "";

  const tasks = () => model.state.order.map((id) => model.state.tasks[id]);

  /** What waits has nothing to miss, and there may be a thousand. */
  function subscribe(/** @type {TaskState[]} */ all) {
    const begun = all.filter((task) => !isFinished(task) && task.status !== "queued");
    for (const { id, seq, epoch } of begun) send({ type: "subscribe", task_id: id, ...(seq && { after: seq, epoch }) });
    return begun;
  }

  function take(/** @type {WholeTask} */ task) {
    const known = model.state.tasks[task.id];
    dispatch({ type: "task_loaded", task, at: Date.now() });
    if (!known) subscribe([model.state.tasks[task.id]]);
    if (wish) soon("list", sync.reload);
  }

  /** Reads something soon, until it is read; many times at once are one request. @type {Soon} */
  function soon(what, read, wait = SETTLE) {
    if (!due.has(what)) scope.after(wait, () => due.delete(what) && read().catch(({ retryable }) => retryable && soon(what, read, AGAIN)));
    due.add(what);
  }

  const load = (/** @type {string} */ id) => soon(id, () => sync.read(id));

  /** @type {SyncLike} */
  const sync = {
    tasks,
    load,

    /** A fresh socket knows nothing: each Task at work goes on where its stream stopped, then all others. */
    async opened() {
      const asked = new Set(subscribe(tasks()).map((task) => task.id));
      send({ type: "subscribe", all: true });
      await sync.reload().catch(() => soon("list", sync.reload));
      subscribe(tasks().filter((task) => !asked.has(task.id)));
      sync.watch(watched);
    },

    watch(id) {
      watched = id;
      const { seen: after, epoch } = model.state.tasks[id] ?? {};
      if (after) send({ type: "subscribe", task_id: id, after, epoch });
    },

    async reload() {
      const [known, wished] = [model.state.order, wish];
      const listed = [];
      let total = 0;
      for (let page = 1; page <= pages; page++) {
        const answer = await api.get(`/tasks?text=0&per_page=${PAGE}&page=${page}${wished}`);
        listed.push(...answer.tasks);
        total = answer.total;
      }
      if (wished === wish) dispatch({ type: "tasks_listed", tasks: listed, known, total, wished: wish !== "", at: Date.now() });
    },

    list(wanted) {
      if (wish === wanted) return;
      wish = wanted;
      pages = 1;
      soon("list", sync.reload);
    },

    more() {
      pages += 1;
      soon("list", sync.reload);
    },

    adopt: (job) => job.tasks.forEach(take),

    whole: (id) => void api.get(`/jobs/${id}?text=0`).then(sync.adopt).then(sync.reload).catch(() => {}),

    async read(id, withText) {
      const path = `/tasks/${encodeURIComponent(id)}`;
      try {
        take(await api.get(path));
        if (withText) dispatch({ type: "transcript_loaded", transcript: await api.get(`${path}/transcript?words=0`) });
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

/** Engine, length, language and warnings are not in the events: the Task is read again when they may have changed. @type {Compare} */
const tellsMore = (before, after) =>
  before.status !== after.status ||
  before.attempt !== after.attempt ||
  (before.progress_stage !== after.progress_stage && after.progress_stage !== "complete");
