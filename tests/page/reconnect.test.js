// How the page stays with a server that breaks in every way: socket, polling, and what it says about it.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { newBackoff } from "../../frontend/js/backoff.js";
import { pageOf, pass, Server } from "./server.js";
import { numbers } from "./wire.js";

let server;
let page;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2026-01-01") });
  server = new Server();
});

afterEach(() => {
  page?.scope.dispose();
  mock.timers.reset();
});

const begin = async (seconds = 1) => {
  page = pageOf(server);
  await pass(seconds);
};
const subscriptions = () => server.commands.filter((command) => command.type === "subscribe");
const task = (id = "t") => page.model.state.tasks[id];
const tell = (seq, type, fields) => server.send({ type, task_id: "t", seq, ...fields });

test("it lists, subscribes to all, and to what is at work; a thousand that wait are no thousand commands", async () => {
  server.put("t", { status: "processing", seq: 4 });
  server.put("done", { status: "completed" });
  for (let number = 0; number < 1_000; number++) server.put(`waits ${number}`, { status: "queued" });
  await begin();
  assert.deepEqual(page.states, ["live"]);
  assert.deepEqual(subscriptions(), [{ type: "subscribe", all: true }, { type: "subscribe", task_id: "t" }]);
});

test("a server that was killed is met again, and each Task goes on where its stream stopped", async () => {
  server.put("t", { status: "processing" });
  await begin();
  server.send({ type: "subscribed", task_id: "t", epoch: "e", seq: 3, recovered: false });
  tell(3, "progress", { stage: "transcribing", percentage: 20, stage_percentage: 30, message: "", eta_seconds: null, stalled: false });
  server.http = false;
  server.cut();
  await pass(5);
  server.http = true;
  server.commands = [];
  await pass(2);
  assert.deepEqual(page.states, ["live", "reconnecting", "live"]);
  assert.deepEqual(subscriptions()[0], { type: "subscribe", task_id: "t", after: 3, epoch: "e" });
});

test("a list that could not be read when the socket was back is read a little later", async () => {
  await begin();
  server.put("new", { status: "completed" });
  server.busy = true;
  server.cut();
  await pass(3);
  assert.equal(page.states.at(-1), "live");
  assert.equal(task("new"), undefined);
  server.busy = false;
  await pass(6);
  assert.ok(task("new"));
});

test("it says when the next try is due, and calls a long absence offline", async () => {
  await begin();
  server.http = false;
  server.cut();
  await pass(0.2);
  assert.equal(page.model.connection.value.retryAt > Date.now(), true);
  await pass(25);
  assert.equal(page.states.at(-1), "offline");
});

test("where sockets are blocked it polls, and comes back by itself", async () => {
  server.sockets = false;
  server.put("t", { status: "processing", seq: 1, progress_percentage: 12 });
  await begin(4);
  assert.deepEqual(page.states, ["reconnecting", "polling"]);
  server.put("t", { seq: 9, progress_percentage: 34 });
  server.put("new", {});
  await pass(5);
  assert.equal(task().progress_percentage, 34);
  assert.ok(task("new"));
  server.sockets = true;
  await pass(3);
  assert.equal(page.states.at(-1), "live");
  const asked = server.asked.length;
  await pass(10);
  assert.equal(server.asked.length, asked);
});

test("a server that comes up is not polled because it refused the socket once", async () => {
  await begin();
  server.sockets = false;
  server.cut();
  await pass(0.8);
  server.sockets = true;
  await pass(3);
  assert.deepEqual(page.states, ["live", "reconnecting", "live"]);
});

test("polling that meets no server says so, and goes on when it is back", async () => {
  server.sockets = false;
  await begin(4);
  server.http = false;
  await pass(3);
  assert.equal(page.states.at(-1), "reconnecting");
  server.http = true;
  await pass(6);
  assert.equal(page.states.at(-1), "polling");
});

test("a server that says to stay away is polled and not dialled again, also after it was away", async () => {
  server.refusal = { code: 4504, error: { type: "error", task_id: null, error_code: "too_many_connections", user_message: "Too many." } };
  await begin(4);
  assert.deepEqual(page.states, ["live", "reconnecting", "polling"]);
  assert.equal(page.model.connection.value.reason, "Too many.");
  const { tried } = server;
  server.http = false;
  await pass(5);
  assert.notEqual(page.states.at(-1), "polling");
  server.http = true;
  await pass(10);
  assert.equal(page.states.at(-1), "polling");
  assert.equal(server.tried, tried);
});

test("the server's own advice on when to come back is taken", async () => {
  await begin();
  server.send({ type: "error", task_id: null, error_code: "server_going_away", reconnect_after: 7 });
  server.cut(4000);
  const { tried } = server;
  await pass(6);
  assert.equal(server.tried, tried);
  await pass(2);
  assert.equal(server.tried, tried + 1);
});

test("a connection that has gone silent is asked, and let go if nothing answers", async () => {
  await begin();
  await pass(41);
  assert.equal(server.commands.filter((command) => command.type === "ping").length, 1);
  assert.equal(page.states.at(-1), "live");
  server.silent = true;
  await pass(60);
  assert.equal(page.states.includes("reconnecting"), true);
  server.silent = false;
  await pass(10);
  assert.equal(page.states.at(-1), "live");
});

test("a handshake that nobody answers is given up", async () => {
  server.silent = true;
  await begin(7);
  assert.equal(server.tried, 1);
  await pass(2);
  assert.ok(server.tried > 1);
});

test("a page that is looked at again, or online again, tries at once", async () => {
  await begin();
  server.http = false;
  server.cut();
  await pass(0.4);
  server.http = true;
  window.dispatchEvent(new Event("online"));
  await pass();
  assert.equal(page.states.at(-1), "live");
});

test("a Task that others sent appears, one that they deleted goes", async () => {
  await begin();
  server.put("t", { status: "queued" });
  tell(1, "status", { status: "queued", attempt: 1, queue_position: 1 });
  await pass(1);
  assert.ok(task());
  server.send({ type: "error", task_id: "t", error_code: "task_not_found" });
  await pass();
  assert.equal(task(), undefined);
});

test("many events that ask for the same Task read it once", async () => {
  server.put("t", { status: "processing" });
  await begin();
  server.asked = [];
  tell(1, "status", { status: "queued", attempt: 2 });
  tell(2, "status", { status: "processing", attempt: 2 });
  await pass(1);
  assert.deepEqual(server.asked, ["/tasks/t"]);
});

test("after it was disposed of, nothing is dialled or asked any more", async () => {
  await begin();
  page.scope.dispose();
  const { tried } = server;
  server.cut();
  await pass(30);
  assert.equal(server.tried, tried);
});

test("waits grow to ten seconds, spread over half their length", () => {
  const backoff = newBackoff(numbers(3));
  const waits = Array.from({ length: 20 }, () => backoff.next());
  assert.ok(waits[0] >= 200 && waits[0] <= 400);
  assert.ok(waits.slice(10).every((wait) => wait >= 5000 && wait <= 10_000));
  assert.ok(new Set(waits.slice(10)).size > 5);
  backoff.reset();
  assert.ok(backoff.next() <= 400);
});

test("the transcript that is looked at is listened to, though its Task has finished, and again after a break", async () => {
  server.put("t", { status: "completed", seq: 7 });
  await begin();
  server.commands = [];
  page.sync.watch("t");
  assert.deepEqual(subscriptions(), [{ type: "subscribe", task_id: "t", after: 7, epoch: "e" }]);
  server.cut();
  await pass(5);
  assert.deepEqual(subscriptions().filter(({ task_id }) => task_id).length, 2);
});
