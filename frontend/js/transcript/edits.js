// Owns a person's edits on their way to the server: kept until saved, sent one by one, taken back and repeated.

import { problemOf, unreachable } from "../api.js";
import { computed, effect, signal } from "../lib.js";
import { t } from "../words.js";
import { inverse, requestOf, segmentOf, withChange, withEdit } from "./document.js";
import { placeAt } from "./moments.js";

/** Throws a Problem. @param {string} id @returns {Promise<Shown>} */
const read = (id) =>
  new Promise((done, fail) => {
    const reader = new Worker(new URL("./reader.js", import.meta.url), { type: "module" });
    const segments = /** @type {ShownSegment[]} */ ([]);
    reader.onerror = () => fail(unreachable(""));
    reader.onmessage = ({ data: { slice, status, rest, failure } }) => {
      if (slice) return void segments.push(...slice);
      reader.terminate();
      if (status === 200) done({ ...rest, segments });
      else fail(failure ? unreachable(failure) : problemOf(status, rest));
    };
    reader.postMessage(`/tasks/${id}/transcript`);
  });

/** @param {AppLike} app @param {string} id @param {AppLike["scope"]} scope */
export function newEdits(app, id, scope) {
  const store = `cesar.edits.${id}`;
  const saved = signal(/** @type {Shown | null} */ (null));
  const waiting = signal(/** @type {Edit[]} */ (JSON.parse(localStorage.getItem(store) ?? "[]")));
  const shown = computed(() => saved.value && waiting.value.reduce(withEdit, saved.value));
  const [done, undone] = [signal(/** @type {Step[]} */ ([])), signal(/** @type {Step[]} */ ([]))];
  const conflict = signal(/** @type {Conflict | null} */ (null));
  const problem = signal(/** @type {ProblemLike | null} */ (null));
  let sending = false;

  /** A Task that failed early has no transcript. */
  const load = () =>
    read(id).then(
      (whole) => {
        [saved.value, problem.value] = [whole, null];
        send();
      },
      (failure) => void (failure.status === 409 || (problem.value = failure)),
    );

  const queue = (/** @type {Edit} */ edit) => {
    waiting.value = [...waiting.value, { ...edit, base: shown.value && segmentOf(shown.value, edit.key)?.text }];
    send();
  };

  const add = (/** @type {Edit} */ edit) => {
    if (!shown.value) return;
    done.value = [...done.value, { edit, back: inverse(shown.value, edit) }];
    undone.value = [];
    queue(edit);
  };

  /** @param {Signal<Step[]>} from @param {Signal<Step[]>} to @param {keyof Step} which */
  const move = (from, to, which) => () => {
    const step = from.value.at(-1);
    if (!step) return;
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, step];
    queue(step[which]);
  };

  async function send() {
    const [edit] = waiting.value;
    if (sending || !edit || !saved.value || conflict.value) return;
    sending = true;
    try {
      await sendOne(edit, saved.value);
      problem.value = null;
    } catch (/** @type {any} */ refusal) {
      if (refusal.status === 412) saved.value = await read(id).catch(() => saved.value);
      else if (!refusal.status || refusal.retryable || refusal.status === 409) problem.value = refusal;
      else disagree(edit, refusal);
    }
    sending = false;
    if (!problem.value) send();
  }

  /** Words that are others by now are not overwritten: a person decides. What was sent already, by a view that was left, is no news. @param {Edit} edit @param {Shown} before */
  async function sendOne(edit, before) {
    const request = requestOf(before, edit);
    const now = segmentOf(before, edit.key)?.text;
    if (edit.kind !== "text" || now !== edit.value) {
      if (!request || (edit.kind !== "name" && now !== edit.base)) return disagree(edit);
      const [method, path, body] = request;
      saved.value = withChange(before, await app.api.json(method, `/tasks/${id}/${path}`, { body, etag: before.version, keepalive: true }));
    }
    waiting.value = waiting.value.slice(1);
  }

  /** @param {Edit} edit @param {ProblemLike} [refusal] */
  function disagree(edit, refusal) {
    const segments = saved.value?.segments ?? [];
    if (edit.kind === "text") return void (conflict.value = { edit, refusal, theirs: segments[placeAt(segments, parseInt(edit.key) / 1000)] });
    waiting.value = waiting.value.slice(1);
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

  // Not the scope's: what is under way when the view is left is still to be crossed off.
  effect(() => (waiting.value.length ? localStorage.setItem(store, JSON.stringify(waiting.value)) : localStorage.removeItem(store)));
  scope.every(5_000, () => problem.value && (saved.value ? send() : load()));
  return { shown, waiting, writing: signal(false), done, undone, conflict, problem, load, add, resolve, undo: move(done, undone, "back"), redo: move(undone, done, "edit") };
}
