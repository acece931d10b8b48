// Owns the one WebSocket of the page: opens it, keeps it alive, comes back after a break, and says what came in.

import { Backoff } from "./backoff.js";

const OPEN_WITHIN = 8_000;
const LOOK_EVERY = 5_000;
const PING_AFTER = 35_000;
const PONG_WITHIN = 10_000;
const STEADY_AFTER = 5_000;
const STAY_AWAY_FROM = 4500;

/**
 * `events.opened()`, `events.message(message)` for each message, and
 * `events.closed({ code, wasOpen, retryAt, problem })` where `retryAt` (ms) is null if the server said to stay away.
 */
export class EventSocket {
  #socket = null;
  #lifetime = null;
  #retry = null;
  #problem = null;
  #heardAt = 0;
  #pingedAt = null;
  #stayAway = false;
  #wasOpen = false;

  constructor({ path, scope, events, backoff = new Backoff() }) {
    this.path = path;
    this.scope = scope;
    this.events = events;
    this.backoff = backoff;
    scope.listen(document, "visibilitychange", () => document.visibilityState === "visible" && this.hurry());
    scope.listen(window, "online", () => this.hurry());
    scope.own(() => this.#socket?.close(1000));
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Tries now instead of later; looks after a connection that only seems to be open. */
  hurry() {
    if (this.open) return this.#ping();
    this.backoff.reset();
    if (this.#retry) this.connect();
  }

  send(command) {
    if (this.open) this.#socket.send(JSON.stringify(command));
  }

  connect() {
    if (this.#socket || this.#stayAway) return;
    this.#retry?.();
    this.#retry = null;
    this.#problem = null;
    const socket = this.#make();
    if (!socket) return;
    this.#socket = socket;
    const lifetime = (this.#lifetime = this.scope.child());
    lifetime.listen(socket, "open", () => this.#opened());
    lifetime.listen(socket, "message", ({ data }) => this.#received(data));
    lifetime.listen(socket, "close", ({ code }) => this.#ended(code));
    lifetime.after(OPEN_WITHIN, () => socket.readyState === WebSocket.CONNECTING && this.#drop());
  }

  #make() {
    try {
      return new WebSocket(new URL(this.path, location.href.replace(/^http/, "ws")));
    } catch {
      this.#later(1006, false);
      return null;
    }
  }

  #opened() {
    this.#heardAt = Date.now();
    this.#pingedAt = null;
    this.#wasOpen = true;
    this.#lifetime.after(STEADY_AFTER, () => this.backoff.reset());
    this.#lifetime.every(LOOK_EVERY, () => this.#look());
    this.events.opened();
  }

  #received(data) {
    this.#heardAt = Date.now();
    this.#pingedAt = null;
    const content = parsed(data);
    for (const message of Array.isArray(content) ? content : [content]) {
      if (message?.type === "error" && !message.task_id) this.#problem = message;
      if (message) this.events.message(message);
    }
  }

  /** The watchdog. A timer that slept (a hidden tab, a closed lid) asks first, and only then gives up. */
  #look() {
    const now = Date.now();
    if (this.#pingedAt !== null && now - this.#pingedAt >= PONG_WITHIN) this.#drop();
    else if (this.#pingedAt === null && now - this.#heardAt >= PING_AFTER) this.#ping();
  }

  #ping() {
    this.#pingedAt ??= Date.now();
    this.send({ type: "ping" });
  }

  /** A peer that no longer answers would keep `close` waiting too: let go of it first. */
  #drop() {
    const socket = this.#socket;
    this.#ended(4002);
    socket?.close();
  }

  #ended(code) {
    const wasOpen = this.#wasOpen;
    this.#wasOpen = false;
    this.#socket = null;
    this.#lifetime?.dispose();
    this.#lifetime = null;
    if (code >= STAY_AWAY_FROM) this.#refused(code, wasOpen);
    else this.#later(code, wasOpen);
  }

  #refused(code, wasOpen) {
    this.#stayAway = true;
    this.events.closed({ code, wasOpen, retryAt: null, problem: this.#problem });
  }

  #later(code, wasOpen) {
    if (this.scope.disposed) return;
    const advised = this.#problem?.reconnect_after;
    const delay = typeof advised === "number" ? advised * 1000 : this.backoff.next();
    this.#retry = this.scope.after(delay, () => this.connect());
    this.events.closed({ code, wasOpen, retryAt: Date.now() + delay, problem: this.#problem });
  }
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
