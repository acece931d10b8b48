// What the page knows, from what it was told: (state, action) → state.

import assert from "node:assert/strict";
import { test } from "node:test";

import { initialState, reduce } from "../../frontend/js/store.js";
import { event, loaded, numbers, progress, segment, spoken, status, story, subscribed, WHOLE } from "./wire.js";

const after = (...actions) => actions.reduce(reduce, initialState);
const taskAfter = (...actions) => after(...actions).tasks.t;
const texts = (task) => task.segments.map((one) => one.text);

/** What a person sees; estimates depend on when something was heard. */
const seen = ({ endsAt: _endsAt, began: _began, pace: _pace, seq: _seq, snapshotSeq: _snapshot, ...rest }) => rest;

test("events that come again change nothing, wherever they come again", () => {
  const events = story();
  const straight = taskAfter(loaded, ...events);
  for (let seed = 1; seed <= 200; seed++) {
    const random = numbers(seed);
    const repeated = events.flatMap((one, place) => [one, ...(random() < 0.4 ? events.slice(Math.floor(random() * place), place + 1) : [])]);
    assert.deepEqual(taskAfter(loaded, ...repeated), straight, `seed ${seed}`);
  }
});

test("a stream that breaks anywhere and goes on with history ends the same", () => {
  const events = story();
  const straight = taskAfter(loaded, ...events);
  for (let cut = 1; cut < events.length; cut++) {
    const resumed = [...events.slice(0, cut), subscribed({ recovered: true, seq: events.length }), ...events.slice(cut)];
    assert.deepEqual(taskAfter(loaded, ...resumed), straight, `cut after ${cut}`);
  }
});

test("a snapshot in the middle, and the events behind it, show what the whole history shows", () => {
  const events = story();
  for (let cut = 1; cut < events.length; cut++) {
    const straight = taskAfter(loaded, ...events.slice(0, cut));
    const { status: name, attempt, progress_stage: stage, progress_percentage: percentage, stage_percentage: part, segments, problem } = straight;
    const snapshot = [
      subscribed({ recovered: false, seq: cut }),
      status(cut, name, attempt),
      progress(cut, percentage, { stage, part }),
      event(cut, "segments_revised", { segments }),
      ...(problem ? [event(cut, "error", { error_code: problem.code, user_message: problem.message, technical_detail: null, retryable: true, remedy: problem.remedy })] : []),
    ];
    const known = reduce(after(loaded), { type: "task_loaded", task: { ...WHOLE, warnings: straight.warnings }, at: 0 });
    const taken = [...snapshot, ...events.slice(cut)].reduce(reduce, known).tasks.t;
    assert.deepEqual(seen(taken), seen(taskAfter(loaded, ...events)), `snapshot at ${cut}`);
  }
});

test("answers read at any moment never make the stream lose a segment or the bar fall", () => {
  const events = story().slice(0, 12);
  for (let seed = 1; seed <= 100; seed++) {
    const random = numbers(seed);
    let highest = 0;
    let state = after(loaded);
    for (const [place, one] of events.entries()) {
      const ahead = Math.min(events.length, place + Math.floor(random() * 4));
      const told = taskAfter(loaded, ...events.slice(0, ahead));
      const whole = { ...WHOLE, ...told, seq: ahead, epoch: "e", eta_seconds: null };
      if (random() < 0.5) state = reduce(state, { type: "task_loaded", task: whole, at: place });
      state = reduce(state, one);
      assert.ok(state.tasks.t.progress_percentage >= highest);
      highest = state.tasks.t.progress_percentage;
    }
    assert.deepEqual(texts(state.tasks.t), texts(taskAfter(loaded, ...events)));
  }
});

test("the bar never falls within an attempt, and begins anew with the next", () => {
  assert.equal(taskAfter(loaded, progress(1, 30), progress(2, 25)).progress_percentage, 30);
  const failed = event(3, "error", { error_code: "x", user_message: "x", technical_detail: null, retryable: true, remedy: "x" });
  const again = taskAfter(loaded, progress(1, 30), segment(2, 0), failed, status(4, "queued", 2));
  assert.deepEqual([again.progress_percentage, again.segments, again.problem, again.attempt], [0, [], null, 2]);
});

test("segments find their places whatever their order", () => {
  const task = taskAfter(loaded, segment(1, 2, "c"), segment(2, 0, "a"), segment(3, 1, "b"), segment(4, 1, "B"));
  assert.deepEqual(texts(task), ["a", "B", "c"]);
});

test("one wild estimate moves the end only part of the way", () => {
  const { endsAt } = taskAfter(loaded, progress(1, 11, { at: 0, eta: 20 }), progress(2, 12, { at: 1000, eta: 119 }));
  assert.ok(endsAt > 20_000 && endsAt < 70_000);
});

test("estimates that tremble around the truth move the end less than they tremble", () => {
  const random = numbers(7);
  const ends = [];
  let state = after(loaded);
  for (let second = 1; second <= 60; second++) {
    const eta = 100 - second + (random() - 0.5) * 40;
    state = reduce(state, progress(second, 10, { eta }));
    ends.push(state.tasks.t.endsAt);
  }
  const late = ends.slice(20);
  assert.ok(Math.max(...late) - Math.min(...late) < 30_000);
  assert.ok(late.every((end) => Math.abs(end - 100_000) < 15_000));
});

test("an estimate that is taken back, and an end, leave none", () => {
  assert.equal(taskAfter(loaded, progress(1, 11, { eta: 20 }), progress(2, 12)).endsAt, null);
  assert.equal(taskAfter(loaded, progress(1, 11, { eta: 20 }), status(2, "completed")).endsAt, null);
});

test("the pace is what the server reported over the time that it took", () => {
  const task = taskAfter(loaded, progress(1, 10, { at: 0, part: 0 }), progress(2, 25, { at: 2000, part: 50 }));
  assert.equal(task.pace, 2.5);
  assert.equal(taskAfter(loaded, progress(1, 10, { part: 0 })).pace, null);
});

const listed = (tasks, total, wished = false) => ({ type: "tasks_listed", tasks, known: ["t"], total, wished, at: 0 });
const dated = (id, day) => ({ ...WHOLE, id, created_at: `${day}T00:00:00+00:00` });

test("a Task that others deleted goes when the list was read to its place or to the end, and stays when it may be further down", () => {
  const newer = dated("u", "2026-01-02");
  assert.deepEqual(after(loaded, listed([newer], 1)).order, ["u"]);
  assert.deepEqual(after(loaded, listed([newer], 2)).order, ["u", "t"]);
  assert.deepEqual(after(loaded, listed([newer, dated("s", "2025-12-31")], 9)).order, ["u", "s"]);
  assert.deepEqual(after(loaded, listed([newer], 1, true)).order, ["u", "t"]);
});

test("how many older ones there are changes with the list alone: not when one comes, is hidden, or goes", () => {
  const read = after(loaded, listed([WHOLE], 4));
  const then = [{ type: "task_loaded", task: dated("u", "2026-01-02"), at: 0 }, { type: "task_hidden", id: "t" }, { type: "task_gone", id: "t" }].reduce(reduce, read);
  assert.deepEqual([read.older, then.older, reduce(then, listed([WHOLE], 1, true)).older], [3, 3, 0]);
});

test("what was asked is forgotten once it happened, or was refused", () => {
  const asked = { type: "asked", id: "t", what: "cancel" };
  assert.equal(taskAfter(loaded, asked).asked, "cancel");
  assert.equal(taskAfter(loaded, asked, status(1, "cancelled")).asked, null);
  const refused = taskAfter(loaded, asked, { type: "refused", id: "t", problem: { code: "x", message: "No." } });
  assert.deepEqual([refused.asked, refused.refusal.message], [null, "No."]);
});

test("a deleted Task can be taken back", () => {
  const hidden = after(loaded, { type: "task_hidden", id: "t" });
  assert.deepEqual(hidden.hidden, ["t"]);
  assert.deepEqual(reduce(hidden, { type: "task_shown", id: "t" }).hidden, []);
  assert.deepEqual(reduce(hidden, { type: "task_gone", id: "t" }).tasks, {});
});

test("events of Tasks that are not known change nothing", () => {
  assert.equal(reduce(initialState, progress(1, 10)), initialState);
});

test("a finished Task that is listened to again stays as it is, and hears of an edit", () => {
  const finished = after({ type: "task_loaded", task: { ...WHOLE, status: "completed", progress_percentage: 100, seq: 9, epoch: "e" }, at: 0 });
  const heard = [subscribed({ recovered: true, seq: 9, epoch: "e" }), event(10, "transcript_changed", { version: 4 })].reduce(reduce, finished).tasks.t;
  assert.deepEqual([heard.status, heard.progress_percentage, heard.seen, heard.version], ["completed", 100, 9, 4]);
});
