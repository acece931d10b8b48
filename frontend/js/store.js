// Owns what the page knows, as one pure function: (state, action) → state. No I/O, no clock; times come with the action.

import { newTask, withEvent, withSubscription, withTranscript, withWhole } from "./task.js";

/** @type {PageState} */
export const initialState = {
  connection: { state: "connecting", retryAt: null, reason: null, lastEventAt: null },
  tasks: {},
  order: [],
  found: null,
  hidden: [],
  older: 0,
  uploads: {},
  listed: false,
};

/** @type {Reduce} */
export const reduce = (state, action) => ACTIONS[action.type](state, /** @type {any} */ (action));

/** @type {Reducers} */
const ACTIONS = {
  connection_changed: (state, { type: _type, ...change }) => ({ ...state, connection: { ...state.connection, retryAt: null, reason: null, ...change } }),

  heard: (state, { at }) => ({ ...state, connection: { ...state.connection, lastEventAt: at } }),

  /** The newest Tasks, or those that are wished for; what the page `known` when it asked and is missing among the newest is gone. */
  tasks_listed(state, { tasks, known, total, wished, at }) {
    const present = tasks.map((task) => task.id);
    const since = (total > tasks.length && tasks.at(-1)?.created_at) || "";
    const gone = wished ? [] : known.filter((id) => !present.includes(id) && state.tasks[id]?.created_at > since);
    const next = tasks.reduce((all, whole) => withTask(all, whole, at), gone.reduce(withoutTask, state));
    return { ...next, found: wished ? present : null, older: total - (wished ? present : next.order).length, listed: true };
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

  upload_changed: (state, { id, upload }) => ({ ...state, uploads: { ...state.uploads, [id]: upload } }),

  upload_gone: (state, { id }) => ({ ...state, uploads: without(state.uploads, id) }),
};

/** @type {InState<WholeTask, [number]>} */
function withTask(state, whole, at) {
  const known = state.tasks[whole.id];
  const tasks = { ...state.tasks, [whole.id]: withWhole(known ?? newTask(whole.id), whole, at) };
  const order = known ? state.order : [...state.order, whole.id].sort((a, b) => tasks[b].created_at.localeCompare(tasks[a].created_at) || a.localeCompare(b));
  return { ...state, tasks, order };
}

/** @type {InState<string>} */
function withoutTask(state, id) {
  return { ...state, tasks: without(state.tasks, id), order: except(state.order, id), hidden: except(state.hidden, id) };
}

/** @type {Without} */
function without(all, id) {
  const { [id]: _gone, ...rest } = all;
  return rest;
}

const except = (/** @type {string[]} */ ids, /** @type {string} */ id) => ids.filter((one) => one !== id);

/** @type {InTask} */
function changed(state, id, change) {
  const task = state.tasks[id ?? ""];
  const next = task && change(task);
  return next === task ? state : { ...state, tasks: { ...state.tasks, [next.id]: next } };
}
