// Owns the way events arrive: the socket when it can be had, polling when it cannot, and what the page says about it.

const OFFLINE_AFTER = 20_000;
const ASK_EVERY = 3_000;

/** `say({ state, retryAt, reason })` shows a change; `whenOpened()` runs each time the socket is there. */
export class Connection {
  #brokenSince = null;
  #closing = null;
  #triedAgain = false;

  constructor({ socket, poller, api, scope, say, whenOpened }) {
    this.socket = socket;
    this.poller = poller;
    this.api = api;
    this.scope = scope;
    this.say = say;
    this.whenOpened = whenOpened;
  }

  opened() {
    this.#brokenSince = null;
    this.#closing = null;
    this.#triedAgain = false;
    this.poller.stop();
    this.say({ state: "live" });
    this.whenOpened();
  }

  /** The socket is gone, or could not be had; only one that cannot be opened while the server answers is a reason to poll. */
  async closed(closing) {
    this.#closing = closing;
    this.#brokenSince ??= Date.now();
    if (this.poller.running) return this.#polling();
    this.#waiting();
    if (closing.wasOpen && closing.retryAt !== null) return;
    if ((await this.api.reachable()) && this.#closing === closing) this.#pollUnlessNew(closing);
  }

  /** Polling met no server either: wait for it, however it comes back. */
  lost() {
    this.#brokenSince = Date.now();
    this.#waiting();
    if (this.#closing.retryAt === null) this.#askUntilReachable(this.#closing);
    else this.socket.hurry();
  }

  /** A server that has only just come up answers HTTP a moment after it refused the socket: try that once more first. */
  #pollUnlessNew(closing) {
    if (closing.retryAt !== null && !this.#triedAgain) {
      this.#triedAgain = true;
      return this.socket.hurry();
    }
    this.poller.start();
    this.#polling();
  }

  #polling() {
    this.say({ state: "polling", reason: this.#closing.problem?.user_message ?? null });
  }

  #waiting() {
    const long = Date.now() - this.#brokenSince > OFFLINE_AFTER;
    const state = long || navigator.onLine === false ? "offline" : "reconnecting";
    this.say({ state, retryAt: this.#closing.retryAt });
  }

  async #askUntilReachable(closing) {
    if (this.#closing !== closing) return;
    if (await this.api.reachable()) this.#pollUnlessNew(closing);
    else this.scope.after(ASK_EVERY, () => this.#askUntilReachable(closing));
  }
}
