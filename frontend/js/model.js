// Owns the one present state of the page and gives it out as signals: whoever reads one is redrawn when that one changes.

import { computed, signal } from "./lib.js";
import { initialState, reduce } from "./store.js";

/** @type {() => ModelLike} */
export function newModel() {
  const state = signal(initialState);
  /** @type {<K extends keyof PageState>(key: K) => ReadonlySignal<PageState[K]>} */
  const part = (key) => computed(() => state.value[key]);
  const [order, hidden, uploads, version] = [part("order"), part("hidden"), part("uploads"), part("version")];
  return {
    get state() {
      return state.peek();
    },
    dispatch: (action) => void (state.value = reduce(state.peek(), action)),
    connection: part("connection"),
    engines: part("engines"),
    total: part("total"),
    listed: part("listed"),
    uploads,
    order: computed(() => order.value.filter((id) => !hidden.value.includes(id))),
    newer: computed(() => (version.value && version.value.page !== version.value.server ? version.value.server : null)),
    now: ticking(),
    task: kept((id) => computed(() => state.value.tasks[id])),
    upload: kept((id) => computed(() => uploads.value.find((one) => one.taskId === id))),
  };
}

/** Makes each value once. @template T @param {(id: string) => T} make */
function kept(make) {
  /** @type {Record<string, T>} */
  const made = {};
  return (/** @type {string} */ id) => (made[id] ??= make(id));
}

/** Like `computed`, but what is equal field by field is the same value as before. @template T @param {() => T} compute @returns {ReadonlySignal<T>} */
export function steady(compute) {
  /** @type {any} */
  let before;
  return computed(() => {
    const next = /** @type {any} */ (compute());
    const same = before && next && Object.keys({ ...before, ...next }).every((key) => before[key] === next[key]);
    return same ? before : (before = next);
  });
}

/** The time, once a second for as long as anything shows it. */
function ticking() {
  /** @type {ReturnType<typeof setInterval>} */
  let timer;
  const now = signal(Date.now(), { watched: () => void (timer = setInterval(tick, 1000)), unwatched: () => clearInterval(timer) });
  const tick = () => void (now.value = Date.now());
  return now;
}
