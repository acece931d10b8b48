// What the library knows without a server: undoing decisions, how alike files are, times no finer than they are known, words.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

globalThis.document ??= { documentElement: { lang: "en" } };
const { undoing } = await import("../../frontend/js/library/decisions.js");
const { likeness } = await import("../../frontend/js/library/duplicates.js");
const { when } = await import("../../frontend/js/library/parts.js");

const LIBRARY = new URL("../../frontend/js/library/", import.meta.url);
const words = JSON.parse(readFileSync(new URL("../../frontend/locale/en/library.json", import.meta.url), "utf8"));
const ruling = (decision_type, decision_value = null) => ({ decision_type, decision_value });

test("taking back the only tags is a decision for none", () => {
  assert.deepEqual(undoing([ruling("tag_assignment", ["a"])], 0), ruling("tag_assignment", []));
});

test("taking back a time says the time before it, and the first one says null", () => {
  const all = [ruling("timestamp_override", "2001-02-03"), ruling("tag_assignment", ["a"]), ruling("timestamp_override", "2002-02-03")];
  assert.deepEqual(undoing(all, 2), ruling("timestamp_override", "2001-02-03"));
  assert.deepEqual(undoing(all, 0), ruling("timestamp_override"));
});

test("keeping and discarding are one topic", () => {
  const all = [ruling("keep_duplicate", "older"), ruling("discard_duplicate", "noise")];
  assert.deepEqual(undoing(all, 1), ruling("keep_duplicate", "older"));
  assert.deepEqual(undoing(all.slice(1), 0), ruling("keep_duplicate"));
});

test("nothing is offered where taking back would change nothing", () => {
  assert.equal(undoing([ruling("keep_duplicate")], 0), undefined);
  assert.equal(undoing([ruling("tag_assignment", ["a"]), ruling("tag_assignment", [])], 0), undefined);
});

test("an undone decision can be undone", () => {
  const all = [ruling("tag_assignment", ["a"])];
  all.push(undoing(all, 0));
  assert.deepEqual(undoing(all, 1), ruling("tag_assignment", ["a"]));
});

test("how alike two files are is one word, and equal bytes are not a guess", () => {
  const alike = (similarity_score, match_type = "perceptual") => likeness({ match_type, similarity_score });
  assert.deepEqual([alike(1, "exact"), alike(1), alike(0.95), alike(0.93), alike(0.8)], ["exact", "certain", "certain", "probable", "possible"]);
});

test("a time is told no finer than it is known", () => {
  const value = "2024-05-06T12:33:21Z";
  assert.equal(when({ value, precision: "year" }), "2024");
  assert.equal(when({ value, precision: "month" }), "May 2024");
  assert.equal(when({ value, precision: "day" }), "May 6, 2024");
  assert.match(when({ value, precision: "second" }), /May 6, 2024.*:33:21/);
  assert.equal(when({ value: null, precision: null }), "–");
});

test("every word that the library names is in the language file", () => {
  const source = readdirSync(LIBRARY).map((name) => readFileSync(new URL(name, LIBRARY), "utf8")).join("\n");
  const named = [...source.matchAll(/\b(?:say|button|act|table)\("([\w.]+)"/g)].map((match) => match[1]);
  assert.ok(named.length > 40);
  assert.deepEqual(named.filter((key) => !(key in words)), []);
});
