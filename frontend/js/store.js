// Owns what the page knows, as one pure function: (state, action) → state. No I/O, no clock; times come with the action.

import { newTask, withEvent, withSubscription, withTranscript, withWhole } from "./task.js";

/** @type {PageState} */
export const initialState = {
  connection: { state: "connecting", retryAt: null, reason: null, lastEventAt: null },
  tasks: {},
  order: [],
  hidden: [],
  total: 0,
  uploads: [],
  engines: null,
  version: null,
  listed: false,
};

/** @type {(state: PageState, action: Action) => PageState} */
export const reduce = (state, action) => ACTIONS[action.type](state, /** @type {any} */ (action));

/** @type {Reducers} */
const ACTIONS = {
  connection_changed: (state, { type: _type, ...change }) => ({ ...state, connection: { ...state.connection, retryAt: null, reason: null, ...change } }),

  heard: (state, { at }) => ({ ...state, connection: { ...state.connection, lastEventAt: at } }),

  engines_loaded: (state, { engines }) => ({ ...state, engines }),

  version_told: (state, { version }) => ({ ...state, version: { page: state.version?.page ?? version, server: version } }),

  /** The newest Tasks; `known` are those that the page had when it asked: what is missing among all that there are is gone. */
  tasks_listed(state, { tasks, known, total, at }) {
    const present = tasks.map((task) => task.id);
    const gone = total <= tasks.length ? known.filter((id) => !present.includes(id)) : [];
    return { ...tasks.reduce((next, whole) => withTask(next, whole, at), gone.reduce(withoutTask, state)), total, listed: true };
  },

  task_loaded: (state, { task, at }) => withTask(state, task, at),

  task_gone: (state, { id }) => withoutTask(state, id),

  task_hidden: (state, { id }) => ({ ...state, hidden: [...state.hidden, id] }),

  task_shown: (state, { id }) => ({ ...state, hidden: except(state.hidden, id) }),

  /** One message of a socket that belongs to a Task; Tasks that the page has not loaded yet are left alone. */
  event_received: (state, { event, at }) =>
    changed(state, event.task_id, (task) => (event.type === "subscribed" ? withSubscription : withEvent)(task, event, at)),

  transcript_loaded: (state, { transcript }) => changed(state, transcript.task_id, (task) => withTranscript(task, transcript)),

  /** A person asked for something; that it happened is told by an event. */
  asked: (state, { id, what }) => changed(state, id, (task) => ({ ...task, asked: what, refusal: null })),

  refused: (state, { id, problem }) => changed(state, id, (task) => ({ ...task, asked: null, refusal: problem })),

  upload_added: (state, { upload }) => ({ ...state, uploads: [upload, ...state.uploads] }),

  upload_changed: (state, { id, change }) => ({
    ...state,
    uploads: state.uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)),
  }),

  upload_gone: (state, { id }) => ({ ...state, uploads: state.uploads.filter((upload) => upload.id !== id) }),
};

/** @type {(state: PageState, whole: WholeTask, at: number) => PageState} */
function withTask(state, whole, at) {
  const known = state.tasks[whole.id];
  const tasks = { ...state.tasks, [whole.id]: withWhole(known ?? newTask(whole.id), whole, at) };
  const time = (/** @type {string} */ id) => Date.parse(tasks[id].created_at);
  const order = known ? state.order : [...state.order, whole.id].sort((a, b) => time(b) - time(a) || a.localeCompare(b));
  return { ...state, tasks, order };
}

/** @type {(state: PageState, id: string) => PageState} */
function withoutTask(state, id) {
  const { [id]: _gone, ...tasks } = state.tasks;
  return { ...state, tasks, order: except(state.order, id), hidden: except(state.hidden, id) };
}

/** @type {(ids: string[], id: string) => string[]} */
const except = (ids, id) => ids.filter((one) => one !== id);

/** @type {(state: PageState, id: string | null | undefined, change: (task: TaskState) => TaskState) => PageState} */
function changed(state, id, change) {
  const task = state.tasks[id ?? ""];
  const next = task && change(task);
  return next === task ? state : { ...state, tasks: { ...state.tasks, [next.id]: next } };
}
