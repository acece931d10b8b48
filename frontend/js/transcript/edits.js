// Owns a person's edits on their way to the server: kept until saved, sent one by one, taken back and repeated.

import { problemOf, unreachable } from "../api.js";
import { computed, effect, signal } from "../lib.js";
import { t } from "../words.js";
import { inverse, requestOf, segmentOf, withChange, withEdit } from "./document.js";
import { placeAt } from "./moments.js";

const STORE = "cesar.edits.";
const RETRY = 5_000;

/** @type {Map<string, Edits>} */
const open = new Map();

/** One for each Task, whoever asks, so that nothing is sent twice. @type {(app: AppLike, id: string) => Edits} */
export function editsOf(app, id) {
  const edits = open.get(id) ?? newEdits(app, id);
  open.set(id, edits);
  return edits;
}

/** What was written and could not be sent before the page was closed. @type {(app: AppLike) => void} */
export function sendKept(app) {
  for (const name of Object.keys(localStorage)) if (name.startsWith(STORE)) editsOf(app, name.slice(STORE.length)).load();
}

/** Throws a Problem. @type {(path: string) => Promise<Shown>} */
const read = (path) =>
  new Promise((done, fail) => {
    const reader = new Worker(new URL("./reader.js", import.meta.url), { type: "module" });
    /** @type {ShownSegment[]} */
    const segments = [];
    reader.onerror = () => fail(unreachable(""));
    reader.onmessage = ({ data: { slice, status, rest, failure } }) => {
      if (slice) return void segments.push(...slice);
      reader.terminate();
      if (status === 200) done({ ...rest, segments });
      else fail(failure ? unreachable(failure) : problemOf(status, rest));
    };
    reader.postMessage(path);
  });

/** @param {AppLike} app @param {string} id */
export function newEdits(app, id) {
  const store = STORE + id;
  const path = `/tasks/${id}/transcript`;
  const saved = signal(/** @type {Shown | null} */ (null));
  const waiting = signal(/** @type {Edit[]} */ (JSON.parse(localStorage.getItem(store) ?? "[]")));
  const shown = computed(() => saved.value && waiting.value.reduce(withEdit, saved.value));
  const [done, undone] = [signal(/** @type {Step[]} */ ([])), signal(/** @type {Step[]} */ ([]))];
  const conflict = signal(/** @type {Conflict | null} */ (null));
  const problem = signal(/** @type {ProblemLike | null} */ (null));
  const crossOff = () => (waiting.value = waiting.value.slice(1));
  let sending = false;
  let forget = () => {};

  const failed = (/** @type {ProblemLike} */ why, /** @type {() => void} */ again) => {
    problem.value = why;
    forget();
    forget = app.scope.after(RETRY, again);
  };

  /** Shows what was read, unless an edit has made something newer of it meanwhile. */
  const take = (/** @type {Shown} */ whole) => {
    if (whole.version < (saved.value?.version ?? 0)) return;
    [saved.value, problem.value] = [whole, null];
    send();
  };

  /** The text first: of ten hours, the words with their times are far more. */
  async function load() {
    try {
      if (!saved.peek()) take(await read(`${path}?words=false`));
      take(await read(path));
    } catch (/** @type {any} */ refusal) {
      if (refusal.status === 404) waiting.value = [];
      // A Task that runs, or that failed early, has no transcript to edit.
      else if (refusal.status !== 409) failed(refusal, load);
    }
  }

  const queue = (/** @type {Edit} */ edit, base = shown.value && segmentOf(shown.value, edit.key)?.text) => {
    waiting.value = [...waiting.value, { ...edit, base }];
    send();
  };

  /** `base`: the text that a person saw, if it may be another by now. @type {(edit: Edit, base?: string) => void} */
  const add = (edit, base) => {
    if (!shown.value) return;
    const back = inverse(shown.value, edit);
    done.value = back ? [...done.value, { edit, back }] : [];
    undone.value = [];
    queue(edit, base);
  };

  /** Of words only those are replaced that the other half of the step left behind. @type {(from: Signal<Step[]>, to: Signal<Step[]>, which: keyof Step, other: keyof Step) => () => void} */
  const move = (from, to, which, other) => () => {
    const step = from.value.at(-1);
    if (!step) return;
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, step];
    queue(step[which], step[which].kind === "text" ? step[other].value : undefined);
  };

  async function send() {
    const [edit] = waiting.value;
    if (sending || !edit || !saved.value || conflict.value) return;
    sending = true;
    try {
      await sendOne(edit, saved.value);
      problem.value = null;
    } catch (/** @type {any} */ refusal) {
      if (refusal.status === 412) await read(path).then(take, (why) => failed(why, send));
      else if (!refusal.status || refusal.retryable || refusal.status === 409) failed(refusal, send);
      else disagree(edit, refusal);
    }
    sending = false;
    if (!problem.value) send();
  }

  /** Words that are others by now are not overwritten: a person decides. @type {(edit: Edit, before: Shown) => Promise<unknown>} */
  async function sendOne(edit, before) {
    const request = requestOf(before, edit);
    const now = segmentOf(before, edit.key)?.text;
    // Nothing is left to give, or the words were sent by a page that was closed before it heard so.
    if (edit.kind === "give" ? !request : edit.kind === "text" && now === edit.value) return crossOff();
    if (!request || now !== edit.base) return disagree(edit);
    const [method, what, body] = request;
    saved.value = withChange(before, await app.api.json(method, `/tasks/${id}/${what}`, { body, etag: before.version, keepalive: true }));
    if (edit.kind !== "give") crossOff();
  }

  /** @type {(edit: Edit, refusal?: ProblemLike) => void} */
  function disagree(edit, refusal) {
    const segments = saved.value?.segments ?? [];
    if (edit.kind === "text") {
      conflict.value = { edit, refusal, theirs: segments[Math.max(0, placeAt(segments, parseInt(edit.key) / 1000))] };
      if (!app.route.peek().path.includes(id)) app.toast(t("transcript.decide", { name: app.model.task(id).peek()?.filename ?? "" }));
      return;
    }
    crossOff();
    done.value = undone.value = [];
    app.toast(refusal?.message ?? t("transcript.changed_meanwhile"));
  }

  const resolve = (/** @type {boolean} */ mine) => {
    const { edit, theirs } = /** @type {Conflict} */ (conflict.value);
    const others = waiting.value.slice(1).filter(({ key }) => key !== edit.key);
    const last = waiting.value.findLast(({ kind, key }) => kind === "text" && key === edit.key);
    waiting.value = mine && theirs ? [{ ...edit, ...last, key: theirs.key ?? "", base: theirs.text }, ...others] : others;
    conflict.value = null;
    send();
  };

  /** The view is left; what is still to be sent is kept and sent. */
  const leave = () => waiting.value.length || open.delete(id);

  effect(() => (waiting.value.length ? localStorage.setItem(store, JSON.stringify(waiting.value)) : localStorage.removeItem(store)));
  return { saved, shown, waiting, writing: signal(false), done, undone, conflict, problem, load, add, resolve, leave, undo: move(done, undone, "back", "edit"), redo: move(undone, done, "edit", "back") };
}
