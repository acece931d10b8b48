// Owns what the page knows, as one pure function: (state, action) → state. No I/O, no clock; times come with the action.

import { newTask, withEvent, withPoll, withSubscription, withTranscript, withWhole } from "./task.js";

export const initialState = Object.freeze({
  connection: { state: "connecting", retryAt: null, reason: null, lastEventAt: null },
  tasks: {},
  order: [],
  uploads: [],
  engines: null,
  listed: false,
});

export function reduce(state, action) {
  const change = ACTIONS[action.type];
  return change ? change(state, action) : state;
}

const ACTIONS = {
  connection_changed: (state, { state: name, retryAt = null, reason = null }) => ({
    ...state,
    connection: { ...state.connection, state: name, retryAt, reason },
  }),

  heard: (state, { at }) => ({ ...state, connection: { ...state.connection, lastEventAt: at } }),

  engines_loaded: (state, { engines }) => ({ ...state, engines }),

  /** The newest Tasks; `known` are those that the page had when it asked, `complete` says that there are no others. */
  tasks_listed(state, { tasks, known, complete, at }) {
    const present = new Set(tasks.map((task) => task.id));
    const gone = complete ? known.filter((id) => !present.has(id)) : [];
    const without = gone.reduce(withoutTask, state);
    return { ...tasks.reduce((next, whole) => withTask(next, whole, at), without), listed: true };
  },

  task_loaded: (state, { task, at }) => withTask(state, task, at),

  task_gone: (state, { id }) => withoutTask(state, id),

  /** One message of a socket that belongs to a Task; Tasks that the page has not loaded yet are left alone. */
  event_received(state, { event, at }) {
    const apply = event.type === "subscribed" ? withSubscription : withEvent;
    return changed(state, event.task_id, (task) => apply(task, event, at));
  },

  progress_polled: (state, { progress, at }) => changed(state, progress.identifier, (task) => withPoll(task, progress, at)),

  transcript_loaded: (state, { transcript }) =>
    changed(state, transcript.task_id, (task) => withTranscript(task, transcript)),

  /** A person asked for cancel, retry or delete; the answer comes as an event. */
  asked: (state, { id, what }) => changed(state, id, (task) => ({ ...task, asked: what, refusal: null })),

  refused: (state, { id, problem }) => changed(state, id, (task) => ({ ...task, asked: null, refusal: problem })),

  upload_added: (state, { upload }) => ({ ...state, uploads: [upload, ...state.uploads] }),

  upload_changed: (state, { id, change }) => ({
    ...state,
    uploads: state.uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)),
  }),

  upload_gone: (state, { id }) => ({ ...state, uploads: state.uploads.filter((upload) => upload.id !== id) }),
};

function withTask(state, whole, at) {
  const known = state.tasks[whole.id];
  const task = withWhole(known ?? newTask(whole.id), whole, at);
  const tasks = { ...state.tasks, [whole.id]: task };
  return known ? { ...state, tasks } : { ...state, tasks, order: newestFirst([...state.order, whole.id], tasks) };
}

function withoutTask(state, id) {
  const { [id]: _gone, ...tasks } = state.tasks;
  return { ...state, tasks, order: state.order.filter((one) => one !== id) };
}

function changed(state, id, change) {
  const task = state.tasks[id];
  if (!task) return state;
  const next = change(task);
  return next === task ? state : { ...state, tasks: { ...state.tasks, [id]: next } };
}

function newestFirst(ids, tasks) {
  const time = (id) => Date.parse(tasks[id].createdAt) || 0;
  return ids.sort((a, b) => time(b) - time(a));
}
