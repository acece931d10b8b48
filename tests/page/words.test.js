// Words, numbers and times as a person reads them.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { bytes } from "../../frontend/js/bytes.js";
import { clock, duration, percent, setWords, t } from "../../frontend/js/words.js";

const FRONTEND = new URL("../../frontend/", import.meta.url);
const LANGUAGE = new URL("locale/en/", FRONTEND);
const parts = Object.fromEntries(readdirSync(LANGUAGE).map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(new URL(name, LANGUAGE), "utf8"))]));

test("values are filled in, and written as the language writes them", () => {
  setWords({ a: { b: "{name} has {count} of {all}" } });
  assert.equal(t("a.b", { name: "<b>", count: 1200, all: "many" }), "<b> has 1,200 of many");
  setWords({ a: { b: "{count}" } }, "de");
  assert.equal(t("a.b", { count: 1200 }), "1.200");
});

test("plural forms are the language's own", () => {
  setWords({ a: { b: { one: "{count} file", other: "{count} files" } } });
  assert.deepEqual([0, 1, 2].map((count) => t("a.b", { count })), ["0 files", "1 file", "2 files"]);
  setWords({ a: { b: { one: "{count} plik", few: "{count} pliki", many: "{count} plików", other: "{count} pliku" } } }, "pl");
  assert.deepEqual([1, 3, 5].map((count) => t("a.b", { count })), ["1 plik", "3 pliki", "5 plików"]);
});

test("times, lengths and sizes are no more exact than anybody needs", () => {
  setWords({});
  assert.deepEqual([0, 4.9, 750, 3725].map(clock), ["0:00", "0:04", "12:30", "1:02:05"]);
  assert.deepEqual([0.2, 9, 59.6, 720, 3900, 7200].map(duration), ["1 sec", "9 sec", "1 min", "12 min", "1 hr 5 min", "2 hr"]);
  assert.deepEqual([0, 999, 1_500_000, 12_345_678, 2_100_000_000].map(bytes), ["0 kB", "1 kB", "1.5 MB", "12 MB", "2.1 GB"]);
  assert.equal(percent(40), "40%");
});

test("every word that a module asks for is there", () => {
  const modules = readdirSync(new URL("js/", FRONTEND), { recursive: true }).filter((name) => name.endsWith(".js"));
  const asked = modules.flatMap((name) => [...readFileSync(new URL(`js/${name}`, FRONTEND), "utf8").matchAll(/"((?:shell|queue|transcript|library)\.[\w.-]+)"/g)].map((found) => found[1]));
  const missing = asked.filter((key) => !(key.slice(key.indexOf(".") + 1) in parts[key.split(".")[0]]));
  assert.deepEqual([...new Set(missing)], []);
});

test("no sentence shouts", () => {
  for (const [part, own] of Object.entries(parts)) for (const text of Object.values(own)) assert.doesNotMatch(JSON.stringify(text), /!/, part);
});
