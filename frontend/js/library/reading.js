// Owns reading for a view – the newest answer, lists page by page – and asking for changes, refusals shown.

import { useApp } from "../app.js";
import { html, useEffect, useRef, useSignal } from "../lib.js";
import { ProblemBox } from "../shell/problem-box.js";
import { button, say } from "./parts.js";

/** @type {Lib["useReading"]} */
export function useReading(path, list, turn) {
  const { api, scope } = useApp();
  const state = useSignal(/** @type {any} */ ({ items: [], last: 1 }));
  const asking = useRef(new AbortController());
  const load = async (first = 1, last = state.peek().last) => {
    asking.current.abort();
    const newest = (asking.current = new AbortController());
    try {
      let [items, body] = /** @type {any[]} */ ([first > 1 ? state.peek().items : []]);
      for (let page = first; page <= last; page++) {
        body = await api.get(list ? `${path}&page=${page}` : path, newest);
        items = items.concat(body[list ?? ""]);
      }
      state.value = { body, items, last };
    } catch (problem) {
      if (!newest.signal.aborted) state.value = { ...state.peek(), problem };
    }
  };
  useEffect(() => {
    const forget = scope.after(state.peek().body ? 250 : 0, () => path && load(1, turn ? undefined : 1));
    return () => (forget(), asking.current.abort());
  }, [path, turn]);
  const { body, items, last, problem } = state.value;
  const count = body?.total;
  const foot = html`<${ProblemBox} problem=${problem} />
    <p class="lib-note" role="status">${body ? count >= 0 && say(count ? "shown" : "none", { count, shown: items.length }) : path && say("reading")}</p>
    ${problem ? button("again", () => load()) : items.length < count && button("more", () => load(last + 1, last + 1))}`;
  return { body, items, load, foot };
}

/** What a field with this `list` may be, as the server knows it. @type {LibraryPart} */
export function Suggestions({ path, name }) {
  const { body } = useReading(path);
  return html`<datalist id=${name}>${body?.[name].map((/** @type {any} */ one) => html`<option value=${one.tag ?? one} />`)}</datalist>`;
}

const FOCUSABLE = "a, button, input, select, summary";

/** Gives the focus back to where somebody worked: what was used may be gone. @type {(places: Element[]) => void} */
function stay(places) {
  if (document.activeElement !== document.body) return;
  const place = places.find((one) => one.isConnected && one.querySelector(FOCUSABLE));
  /** @type {HTMLElement | null | undefined} */ (place?.querySelector(FOCUSABLE))?.focus();
}

/** @type {(element: Element | null) => Element[]} */
const around = (element) => (element ? [element, ...around(element.parentElement)] : []);

/** @type {Lib["useAsking"]} */
export function useAsking(done) {
  const { api, announce } = useApp();
  const refusal = useSignal(/** @type {any} */ (null));
  const before = useRef(Promise.resolve());
  /** One after the other: what is asked second may depend on the first. */
  const ask = (/** @type {() => any} */ act) => (before.current = before.current.then(() => run(act)));
  const run = async (/** @type {() => any} */ act) => {
    refusal.value = null;
    const places = around(document.activeElement);
    try {
      await act();
      announce(say("asked"));
      await done?.();
      setTimeout(() => stay(places));
    } catch (problem) {
      refusal.value = problem;
      announce(/** @type {ProblemLike} */ (problem).message);
    }
  };
  /** @type {Lib["decide"]} */
  const decide = (id, decision_type, decision_value) => ask(() => api.post(`/files/${id}/decisions`, { decision_type, decision_value }));
  return { ask, decide, refused: html`<${ProblemBox} problem=${refusal.value} />` };
}
