// Where things are in a transcript: moments, words, what is looked for.

import assert from "node:assert/strict";
import test from "node:test";

import { found, placeAt, timedWords } from "../../frontend/js/transcript/moments.js";

const starts = [{ start: 1 }, { start: 2 }, { start: 2 }, { start: 5 }];

test("the segment of a moment is the last that has begun", () => {
  assert.deepEqual([0, 1, 1.9, 2, 4.9, 99].map((time) => placeAt(starts, time)), [-1, 0, 0, 2, 2, 3]);
  assert.equal(placeAt([], 1), -1);
});

test("words stand where the text has them, one after the other", () => {
  const words = ["no", "no", "never"].map((word, at) => ({ word, start: at }));
  assert.deepEqual(timedWords({ text: "no no, never", words }), [{ start: 0, from: 0, to: 2 }, { start: 1, from: 3, to: 5 }, { start: 2, from: 7, to: 12 }]);
});

test("words without a time, words that the text does not have, and segments without words are left out", () => {
  assert.deepEqual(timedWords({ text: "one two", words: [{ word: "one", start: null }, { word: "zwei", start: 1 }, { word: "two", start: 2 }] }), [{ start: 2, from: 4, to: 7 }]);
  assert.deepEqual(timedWords({ text: "one", words: null }), []);
});

test("what is looked for is found whatever its case, every time, and is no pattern", () => {
  const segments = [{ text: "Ada and ada" }, { text: "(a+b)" }];
  assert.deepEqual(found(segments, "ADA"), [{ place: 0, from: 0, to: 3 }, { place: 0, from: 8, to: 11 }]);
  assert.deepEqual(found(segments, "(A+"), [{ place: 1, from: 0, to: 3 }]);
  assert.deepEqual(found(segments, ""), []);
  for (const sign of "\\^$.*+?()[]{}|/-&!#%,:;<=>@`~") assert.equal(found([{ text: `a${sign}b` }], sign).length, 1, sign);
});
