// A transcript as it is shown: what edits and the server's answers make of it.

import assert from "node:assert/strict";
import test from "node:test";

import { inverse, keyed, requestOf, tidy, voices, withChange, withEdit } from "../../frontend/js/transcript/document.js";

const segment = (id, start, text, more = {}) => ({ id, index: 0, start, end: start + 1, text, speaker: null, speaker_label: null, words: [], ...more });
const shownOf = (...segments) => ({ version: 3, speakers: [{ label: "A", name: null }, { label: "B", name: "Ben" }], segments: keyed(segments) });
const keysOf = ({ segments }) => segments.map(({ key }) => key);
const textsOf = ({ segments }) => segments.map(({ text }) => text);

test("a key is when a segment begins, numbered where several begin together", () => {
  assert.deepEqual(keysOf(shownOf(segment("a", 1, ""), segment("b", 1, ""), segment("c", 2.5, ""))), ["1000", "1000-1", "2500"]);
});

test("an edit's answer replaces the segment under its old id and keeps its key", () => {
  const change = { version: 4, removed: ["m1"], speakers: [], segments: [{ ...segment("e7-0", 1, "new"), index: 1 }] };
  const after = withChange(shownOf(segment("m0", 0, "one"), segment("m1", 1, "old"), segment("m2", 2, "three")), change);
  assert.deepEqual(textsOf(after), ["one", "new", "three"]);
  assert.deepEqual(keysOf(after), ["0", "1000", "2000"]);
  assert.equal(after.version, 4);
});

test("a split's answer puts two in the place of one, a merger's one in the place of two", () => {
  const before = shownOf(segment("m0", 0, "one two"), segment("m2", 2, "three"));
  const halves = [{ ...segment("e1-0", 0, "one"), index: 0 }, { ...segment("e1-1", 0.5, "two"), index: 1 }];
  const split = withChange(before, { version: 4, removed: ["m0"], speakers: [], segments: halves });
  assert.deepEqual(textsOf(split), ["one", "two", "three"]);
  const merged = withChange(split, { version: 5, removed: ["e1-0", "e1-1"], speakers: [], segments: [{ ...segment("m0", 0, "one two"), index: 0 }] });
  assert.deepEqual(textsOf(merged), textsOf(before));
});

test("a new text shows before it is saved; the segment that a key does not name stays the same object", () => {
  const before = shownOf(segment("m0", 0, "one"), segment("m1", 1, "two"));
  const after = withEdit(before, { kind: "text", key: "1000", value: "zwei" });
  assert.deepEqual(textsOf(after), ["one", "zwei"]);
  assert.equal(after.segments[0], before.segments[0]);
});

test("each edit has one that takes it back", () => {
  const shown = shownOf(segment("m0", 0, "a𝄞b", { speaker: "Ben", speaker_label: "B" }), segment("m1", 1, "two", { speaker: "Own name" }));
  assert.deepEqual(inverse(shown, { kind: "text", key: "0", value: "x" }), { kind: "text", key: "0", value: "a𝄞b" });
  assert.deepEqual(inverse(shown, { kind: "merge", key: "0" }), { kind: "split", key: "0", value: 3 });
  assert.deepEqual(inverse(shown, { kind: "split", key: "0", value: 1 }), { kind: "merge", key: "0" });
  assert.equal(inverse(shown, { kind: "speaker", key: "0", value: "A" }).value, "B");
  assert.equal(inverse(shown, { kind: "speaker", key: "1000", value: "A" }).value, "Own name");
  assert.equal(inverse(shown, { kind: "name", key: "B", value: "Bea" }).value, "Ben");
  assert.deepEqual(inverse(shown, { kind: "give", key: "B", value: "A" }), { kind: "give", key: "A", value: "B", of: ["0"] });
});

test("what a restoration takes away cannot be brought back", () => {
  assert.equal(inverse(shownOf(segment("e1-0", 0, "a")), { kind: "restore", key: "0" }), undefined);
});

test("a speaker's segments are given one after the other, and of a merger that is taken back only those that were given", () => {
  const shown = shownOf(segment("m0", 0, "", { speaker_label: "B" }), segment("m1", 1, "", { speaker_label: "A" }), segment("m2", 2, "", { speaker_label: "A" }));
  assert.deepEqual(requestOf(shown, { kind: "give", key: "A", value: "B" }), ["PATCH", "segments/m1", { speaker: "B" }]);
  assert.deepEqual(requestOf(shown, { kind: "give", key: "A", value: "B", of: ["2000"] }), ["PATCH", "segments/m2", { speaker: "B" }]);
  assert.equal(requestOf(shown, { kind: "give", key: "C", value: "B" }), undefined);
});

test("a name that was given by hand, without a label, is given another one and back", () => {
  const shown = shownOf(segment("m0", 0, "", { speaker: "Ada" }), segment("m1", 1, "", { speaker: "Ben", speaker_label: "B" }), segment("m2", 2, ""));
  const edit = { kind: "give", key: "Ada", value: "Ida" };
  assert.deepEqual(requestOf(shown, edit), ["PATCH", "segments/m0", { speaker: "Ida" }]);
  assert.deepEqual(inverse(shown, edit), { kind: "give", key: "Ida", value: "Ada", of: ["0"] });
  assert.equal(requestOf(shown, { kind: "give", key: "Ben", value: "Ada" }), undefined);
});

test("an edit becomes a request about the segment's present id", () => {
  const shown = shownOf(segment("e4-0", 0, "one"), segment("m1", 1, "two"));
  assert.deepEqual(requestOf(shown, { kind: "text", key: "0", value: "x" }), ["PATCH", "segments/e4-0", { text: "x" }]);
  assert.deepEqual(requestOf(shown, { kind: "speaker", key: "0", value: null }), ["PATCH", "segments/e4-0", { speaker: null }]);
  assert.deepEqual(requestOf(shown, { kind: "split", key: "1000", value: 2 }), ["POST", "segments/m1/split", { offset: 2 }]);
  assert.deepEqual(requestOf(shown, { kind: "merge", key: "0" }), ["POST", "segments/merge", { first: "e4-0", last: "m1" }]);
  assert.deepEqual(requestOf(shown, { kind: "restore", key: "0" }), ["DELETE", "segments/e4-0/edit"]);
  assert.deepEqual(requestOf(shown, { kind: "name", key: "A/B", value: "Ada" }), ["PUT", "speakers/A%2FB", { name: "Ada" }]);
});

test("there is nothing to ask about a segment that is gone, or for a merger of the last", () => {
  const shown = shownOf(segment("m0", 0, "one"));
  assert.equal(requestOf(shown, { kind: "text", key: "9", value: "x" }), undefined);
  assert.equal(requestOf(shown, { kind: "merge", key: "0" }), undefined);
});

test("white space is tidied as the server does it: what may not be broken stays", () => {
  assert.equal(tidy("  a \n b\t c "), "a b c");
  assert.equal(tidy("10\u00a0km"), "10\u00a0km");
});

test("speakers of one name share a colour", () => {
  const found = voices([segment("a", 0, "", { speaker: "Ada" }), segment("b", 1, "", { speaker: "Ben" }), segment("c", 2, "", { speaker: "Ada" }), segment("d", 3, "")]);
  assert.deepEqual([...found], [["Ada", 0], ["Ben", 1]]);
});
