// Where on the page a person is, read from the hash of the address.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parsed } from "../../frontend/js/route.js";

test("an address is a path and a query", () => {
  assert.deepEqual(parsed(""), { path: "/", parts: [], query: {} });
  assert.deepEqual(parsed("#/tasks/a%2Fb"), { path: "/tasks/a%2Fb", parts: ["tasks", "a/b"], query: {} });
  assert.deepEqual(parsed("#/search?q=two+words&page=2"), { path: "/search", parts: ["search"], query: { q: "two words", page: "2" } });
});

test("what people type by hand breaks nothing", () => {
  assert.deepEqual(parsed("#tasks//x/").parts, ["tasks", "x"]);
  assert.deepEqual(parsed("#/tasks/%zz").parts, ["tasks", "%zz"]);
});
