// Owns what the parts of the transcript view share: the segments to show, the moment that is played, what is written and looked for.

import { computed, effect, signal } from "../lib.js";
import { steady } from "../model.js";
import { isFinished } from "../task.js";
import { keyed, voices } from "./document.js";
import { editsOf } from "./edits.js";
import { found, placeAt, timedWords } from "./moments.js";
import { newPlayer } from "./player.js";

const SETTLE = 500;
const LOOK = 10_000;

/** @param {AppLike} app @param {string} id */
export function newDesk(app, id) {
  const scope = app.scope.child();
  const whole = app.model.task(id);
  /** Without what moves while it runs, so that not every event draws the whole view anew. */
  const task = steady(() => {
    if (!whole.value) return undefined;
    const { segments: _, seq, seen, progress_percentage, stage_percentage, message, eta_seconds, stalled, endsAt, pace, began, ...facts } = whole.value;
    return facts;
  });
  const edits = editsOf(app, id);
  scope.own(edits.leave);
  const player = newPlayer();
  const finished = computed(() => Boolean(whole.value && isFinished(whole.value)));
  const live = computed(() => whole.value?.segments ?? []);
  /** Those that come live have the same keys, so that their rows stay when the Task is finished. */
  const segments = computed(() => (finished.value && edits.shown.value?.segments) || keyed(live.value));
  const readable = computed(() => segments.value.length > 0);
  const editable = computed(() => finished.value && readable.value && Boolean(edits.shown.value));
  const place = computed(() => (player.time.value ? placeAt(segments.value, player.time.value) : -1));
  const said = computed(() => (place.value < 0 ? -1 : timedWords(segments.value[place.value]).findLastIndex(({ start }) => start <= player.time.value)));
  const query = signal(/** @type {string | null} */ (null));
  const matches = computed(() => found(segments.value, query.value ?? ""));
  const version = computed(() => whole.value?.version ?? 0);
  scope.own(effect(() => {
    if (!finished.value) return;
    edits.load();
    app.commands.watch(id);
  }));
  const catchUp = (/** @type {number} */ newest) => void (newest > (edits.saved.peek()?.version ?? newest) && edits.load());
  /** Somebody edited it; if it was this page, the answer is on its way. */
  scope.own(effect(() => {
    const newest = version.value;
    return scope.after(SETTLE, () => catchUp(newest));
  }));
  const state = computed(() => app.model.connection.value.state);
  const look = () => app.api.get(`/tasks/${id}/speakers`).then(({ version: newest }) => catchUp(newest), () => {});
  /** What others did while the page was away, or cannot be told. */
  scope.own(effect(() => {
    if (!finished.value || !/live|polling/.test(state.value)) return;
    look();
    return state.value === "polling" ? scope.every(LOOK, look) : undefined;
  }));
  return {
    scope, whole, task, edits, player, finished, readable, editable, segments, place, said, query, matches, match: signal(0), voices: computed(() => voices(segments.value)),
    /** The key of the segment that is written in. */
    editing: signal(/** @type {string | null | undefined} */ (null)),
    /** Brings a segment into sight; the list says how. */
    show: (/** @type {number} */ _place) => {},
  };
}
