// Owns a server that lives in the test: it answers HTTP and sockets, or not, and time passes when the test says so.

import { mock } from "node:test";

import { newConnection } from "../../frontend/js/connection.js";
import { newModel } from "../../frontend/js/model.js";
import { poll } from "../../frontend/js/poller.js";
import { newScope } from "../../frontend/js/scope.js";
import { newSocket } from "../../frontend/js/socket.js";
import { newSync } from "../../frontend/js/sync.js";
import { WHOLE } from "./wire.js";

export class Server {
  http = true;
  sockets = true;
  silent = false;
  busy = false;
  refusal = null;
  list = [];
  asked = [];
  commands = [];
  tried = 0;
  open = new Set();

  /** The Task of this id, made or changed. */
  put(id, change = {}) {
    const before = this.list.find((task) => task.id === id) ?? { ...WHOLE, id };
    this.list = [{ ...before, ...change }, ...this.list.filter((task) => task.id !== id)];
  }

  async get(path) {
    this.asked.push(path);
    if (!this.http || this.busy) throw Object.assign(new Error("down"), { code: "unreachable", retryable: true });
    if (path.startsWith("/tasks?")) return { tasks: this.list, total: this.list.length };
    const [, , id, rest] = path.split("/");
    const task = this.list.find((one) => one.id === id);
    if (!task) throw Object.assign(new Error("gone"), { code: "task_not_found", status: 404 });
    return rest ? { task_id: id, segments: [], text: "" } : task;
  }

  reachable = async () => this.http;

  send(message) {
    for (const socket of this.open) socket.say([message]);
  }

  /** Every socket is cut, as by SIGKILL or a proxy that restarts. */
  cut(code = 1006) {
    for (const socket of this.open) socket.end(code);
  }
}

function socketOf(server) {
  return class FakeSocket extends EventTarget {
    static OPEN = 1;
    readyState = 0;

    constructor(address) {
      super();
      this.address = address;
      server.tried += 1;
      if (!server.silent) setImmediate(() => this.#answered());
    }

    #answered() {
      if (!server.http || !server.sockets) return this.end(1006);
      this.readyState = 1;
      server.open.add(this);
      this.dispatchEvent(new Event("open"));
      if (!server.refusal) return undefined;
      this.say([server.refusal.error]);
      return this.end(server.refusal.code);
    }

    send(text) {
      const command = JSON.parse(text);
      server.commands.push(command);
      if (command.type === "ping" && !server.silent) this.say([{ type: "pong" }]);
    }

    say(messages) {
      this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(messages) }));
    }

    end(code) {
      if (this.readyState === 3) return;
      this.readyState = 3;
      server.open.delete(this);
      this.dispatchEvent(Object.assign(new Event("close"), { code }));
    }

    close() {
      this.end(1000);
    }
  };
}

/** A page without views, wired as main.js wires it. `states` is what it said of its connection, without repetitions. */
export function pageOf(server) {
  globalThis.WebSocket = socketOf(server);
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  globalThis.window = new EventTarget();
  globalThis.location = { href: "http://cesar.test/" };
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  const [scope, model, states] = [newScope(), newModel(), []];
  const api = { get: (path) => server.get(path), reachable: server.reachable };
  const sync = newSync({ api, model, scope, send: (command) => socket.send(command) });
  const connection = newConnection({
    scope,
    poll: (scope) => poll({ scope, sync, ...connection }),
    api,
    hurry: () => socket.hurry(),
    say(change) {
      if (states.at(-1) !== change.state) states.push(change.state);
      model.dispatch({ type: "connection_changed", ...change });
    },
    whenOpened: () => sync.opened(),
  });
  const backoff = { next: () => 1000, reset() {} };
  const socket = newSocket({ path: "/ws?batch=1", scope, backoff, opened: connection.opened, received: sync.received, closed: connection.closed });
  socket.connect();
  return { scope, model, states, sync, socket };
}

/** Lets `seconds` pass, with everything that happens meanwhile. */
export async function pass(seconds = 0) {
  for (let step = 0; step <= seconds * 5; step++) {
    if (step) mock.timers.tick(200);
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
  }
}
