// The queue's pure parts: where a Job has its head, which files are recordings, what a row says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { found, isRecording, recordingsOf, sorted } from "../../frontend/js/queue/files.js";
import { headsOf } from "../../frontend/js/queue/job-bar.js";
import { taskTold } from "../../frontend/js/queue/meter.js";
import { uploadTold } from "../../frontend/js/queue/upload-told.js";
import { newTask } from "../../frontend/js/task.js";
import { setWords } from "../../frontend/js/words.js";

const words = new URL("../../frontend/locale/en/queue.json", import.meta.url);
setWords({ queue: JSON.parse(readFileSync(words, "utf8")) });

const TASKS = [
  { id: "d", status: "queued", job_id: "2" },
  { id: "c", status: "failed", job_id: "1" },
  { id: "b", status: "completed", job_id: "1" },
  { id: "a", status: "processing", job_id: "0" },
];
const running = (more) => ({ ...newTask("a"), status: "processing", progress_stage: "transcribing", attempt: 1, duration_seconds: 3483, ...more });
const line = ({ words }) => Object.values(words).filter(Boolean).join(" · ");

test("a Job of several has its head once, before the first of it that is shown, and counts those that are not", () => {
  const heads = (shown) => [...headsOf(shown, TASKS)].map(([id, tasks]) => `${id}:${tasks.length}`).join();
  assert.equal(heads(TASKS), "c:2");
  assert.equal(heads(TASKS.slice(2)), "b:2");
  assert.equal(heads(TASKS.toReversed()), "b:2");
});

test("in a folder only recordings count, in the order in which people number them", () => {
  const files = [{ name: "10.mp3", type: "" }, { name: "9.MP3", type: "" }, { name: "notes.txt", type: "text/plain" }, { name: "._9.mp3", type: "audio/mpeg" }, { name: "x", type: "video/mp4" }];
  assert.deepEqual(recordingsOf(files).files.map((file) => file.name), ["9.MP3", "10.mp3", "x"]);
  assert.equal(recordingsOf(files).skipped, 2);
  assert.equal(isRecording({ name: "talk.docx", type: "" }), false);
});

test("a dropped folder is read to its end, whatever portions it comes in", async () => {
  const file = (name) => ({ isFile: true, file: (done) => done({ name, type: "" }) });
  const folder = (...portions) => ({ isDirectory: true, createReader: () => ({ readEntries: (done) => done(portions.shift() ?? []) }) });
  const entry = folder([file("2.wav"), file("a.txt")], [folder([file("1.wav")])]);
  const goods = { files: [], entries: [entry, file("3.wav")] };
  const { files, skipped } = await found(goods);
  assert.deepEqual([files.map((one) => one.name), skipped], [["1.wav", "2.wav", "3.wav"], 1]);
});

test("single files are sent whatever they are: the server tells what is wrong with them", async () => {
  const letter = { name: "letter.txt", type: "text/plain" };
  assert.deepEqual(await found({ files: [letter], entries: [{ isFile: true }] }), { files: [letter], skipped: 0 });
});

test("of a refusal it is known whom it is about: the others can go on", () => {
  const files = [{ name: "a.wav", size: 10 }, { name: "b.WAV", size: 300 }, { name: "c.pdf", size: 20 }];
  const names = (code, detail, of = files) => Object.values(sorted(of, { code, detail })).map((some) => some.map(({ name }) => name).join());
  assert.deepEqual(names("too_large", "300 bytes are more than 100"), ["b.WAV", "a.wav,c.pdf"]);
  assert.deepEqual(names("unsupported_extension", "the file name ends in .pdf"), ["c.pdf", "a.wav,b.WAV"]);
  assert.deepEqual(names("disk_full", "there is no room for all of it"), ["", "a.wav,b.WAV,c.pdf"]);
  assert.deepEqual(names("too_large", "the body", files.slice(1)), ["", "b.WAV,c.pdf"]);
  assert.deepEqual(names("disk_full", null, files.slice(0, 1)), ["a.wav", ""]);
});

test("a running Task tells how much was heard, how fast, and how long still", () => {
  const task = running({ progress_percentage: 16, stage_percentage: 22, pace: 8.04, endsAt: 241_000 });
  assert.equal(line(taskTold(task, 0, 0)), "Transcribing · 16% · 12:46 of 58:03 · 8 × real time · about 4 min left");
  assert.equal(taskTold(task, 0, 0).value, 16);
});

test("while a model loads the bar has no value; a stalled Task has no estimate", () => {
  assert.equal(taskTold(running({ stage_percentage: 0, progress_stage: "downloading" }), 0, 0).busy, true);
  const stalled = running({ progress_percentage: 50, stage_percentage: 50, progress_stage: "aligning", stalled: true, endsAt: 9000 });
  assert.equal(line(taskTold(stalled, 0, 0)), "Placing words in time · 50% · taking longer than expected");
});

test("only who is next is told when it starts, and only if the server knows", () => {
  const waiting = (queue_position, freeAt) => line(taskTold(running({ status: "queued", queue_position }), 0, freeAt));
  assert.equal(waiting(1, 240_000), "Waiting · next in line · starts in about 4 min");
  assert.equal(waiting(1, NaN), "Waiting · next in line");
  assert.equal(waiting(12, 240_000), "Waiting · number 12 in line");
});

test("seconds are said in steps of five, and never as nothing", () => {
  const left = (ms) => taskTold(running({ stage_percentage: 1, endsAt: ms }), 0, 0).words.left;
  assert.deepEqual([-3000, 2000, 13_000, 58_000, 5_400_000].map(left), ["5 sec", "5 sec", "15 sec", "1 min", "1 hr 30 min"].map((time) => `about ${time} left`));
});

test("a recording that is not here in full says so, also when another page sends it", () => {
  const task = running({ status: "queued", uploading: true, stage_percentage: 42 });
  assert.equal(line(taskTold(task, 0, 0)), "Not all of it is here · 42%");
  assert.equal(line(uploadTold({ state: "sending", sent: 0.25, size: 40_000_000 })), "Uploading · 25% · 10 MB of 40 MB");
});
