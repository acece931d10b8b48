// Owns the one present state of the page and tells the views when it changed, once per turn of the event loop.

import { initialState, reduce } from "./store.js";

export class Model {
  #state = initialState;
  #listeners = new Set();
  #told = true;

  get state() {
    return this.#state;
  }

  dispatch = (action) => {
    const next = reduce(this.#state, action);
    if (next === this.#state) return;
    this.#state = next;
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => this.#tell());
  };

  watch(listener) {
    this.#listeners.add(listener);
    listener(this.#state);
  }

  #tell() {
    this.#told = true;
    for (const listener of this.#listeners) listener(this.#state);
  }
}
