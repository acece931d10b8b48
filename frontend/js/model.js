// Owns the one present state of the page and gives it out as signals: whoever reads one is redrawn when that one changes.

import { computed, signal } from "./lib.js";
import { initialState, reduce } from "./store.js";

/** @type {() => ModelLike} */
export function newModel() {
  const state = signal(initialState);
  /** @template {keyof PageState} K @param {K} key */
  const part = (key) => computed(() => state.value[key]);
  /** A signal for each, made once. @param {"tasks" | "uploads"} key */
  const each = (key, made = /** @type {any} */ ({})) => (/** @type {string} */ id) => (made[id] ??= computed(() => state.value[key][id]));
  const [order, hidden] = [part("order"), part("hidden")];
  return {
    get state() {
      return state.peek();
    },
    dispatch: (action) => void (state.value = reduce(state.peek(), action)),
    connection: part("connection"),
    older: part("older"),
    listed: part("listed"),
    found: part("found"),
    order: computed(() => order.value.filter((id) => !hidden.value.includes(id))),
    now: ticking(),
    task: each("tasks"),
    upload: each("uploads"),
  };
}

/** Like `computed`, but what is equal field by field is the same value as before. @type {Steady} */
export function steady(compute) {
  let before = /** @type {any} */ (null);
  return computed(() => {
    const next = /** @type {any} */ (compute());
    const same = before && next && Object.keys({ ...before, ...next }).every((key) => before[key] === next[key]);
    return same ? before : (before = next);
  });
}

/** The time, once a second for as long as anything shows it. */
function ticking() {
  let timer = /** @type {any} */ (0);
  const now = signal(Date.now(), { watched: () => void (timer = setInterval(tick, 1000)), unwatched: () => clearInterval(timer) });
  const tick = () => void (now.value = Date.now());
  return now;
}
