// Owns the one WebSocket of the page: opens it, keeps it alive, comes back after a break, and says what came in.

import { newBackoff } from "./backoff.js";
import { batch } from "./lib.js";

const OPEN_WITHIN = 8_000;
const LOOK_EVERY = 5_000;
const PING_AFTER = 35_000;
const PONG_WITHIN = 10_000;
const STEADY_AFTER = 5_000;
const STAY_AWAY_FROM = 4500;
const NO_ANSWER = 4002;

/** @type {NewSocket} */
export function newSocket({ path, scope, opened, received, closed, backoff = newBackoff() }) {
  /** @type {WebSocket | null} */
  let socket = null;
  let life = scope;
  /** @type {(() => void) | null} */
  let retry = null;
  /** @type {Message | null} */
  let problem = null;
  let wasOpen = false;
  let heardAt = 0;
  let pingedAt = 0;

  const isOpen = () => socket?.readyState === WebSocket.OPEN;

  const send = (/** @type {object} */ command) => isOpen() && socket?.send(JSON.stringify(command));

  function connect() {
    retry?.();
    retry = problem = null;
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    life = scope.child();
    life.listen(socket, "open", begin);
    life.listen(socket, "message", ({ data }) => take(data));
    life.listen(socket, "close", ({ code }) => end(code));
    life.after(OPEN_WITHIN, () => isOpen() || drop());
  }

  function begin() {
    wasOpen = true;
    heardAt = Date.now();
    pingedAt = 0;
    life.after(STEADY_AFTER, backoff.reset);
    life.every(LOOK_EVERY, look);
    opened();
  }

  function take(/** @type {string} */ data) {
    heardAt = Date.now();
    pingedAt = 0;
    batch(() => {
      for (const message of JSON.parse(data)) {
        if (message.type === "error" && !message.task_id) problem = message;
        received(message);
      }
    });
  }

  /** The watchdog. A timer that slept (a hidden tab, a closed lid) asks first, and only then gives up. */
  function look() {
    const now = Date.now();
    if (pingedAt && now - pingedAt >= PONG_WITHIN) drop();
    else if (now - heardAt >= PING_AFTER) ping();
  }

  function ping() {
    pingedAt ||= Date.now();
    send({ type: "ping" });
  }

  /** A peer that no longer answers would keep `close` waiting too: let go of it first. */
  function drop() {
    const silent = socket;
    end(NO_ANSWER);
    silent?.close();
  }

  function end(/** @type {number} */ code) {
    const told = { wasOpen, problem, retryAt: /** @type {number | null} */ (null) };
    socket = null;
    wasOpen = false;
    life.dispose();
    if (scope.disposed) return;
    if (code < STAY_AWAY_FROM) {
      const delay = problem?.reconnect_after * 1000 || backoff.next();
      retry = scope.after(delay, connect);
      told.retryAt = Date.now() + delay;
    }
    closed(told);
  }

  /** Tries now instead of later; looks after a connection that only seems to be open. */
  function hurry() {
    if (isOpen()) return ping();
    backoff.reset();
    if (retry) connect();
  }

  scope.listen(document, "visibilitychange", () => document.hidden || hurry());
  scope.listen(window, "online", hurry);
  scope.own(() => socket?.close(1000));
  return { connect, send, hurry };
}
