// Owns the way events arrive: the socket when it can be had, polling when it cannot, and what the page says about it.

const OFFLINE_AFTER = 20_000;

/** @type {NewConnection} */
export function newConnection({ scope, poll, hurry, api, say, whenOpened }) {
  /** Lives while the page asks instead of being told. @type {ScopeLike | null} */
  let polling = null;
  let brokenSince = 0;
  let triedAgain = false;
  /** @type {Closing} */
  let closing = { wasOpen: false, problem: null, retryAt: null };

  function stop() {
    polling?.dispose();
    polling = null;
  }

  function waiting() {
    const long = Date.now() - brokenSince > OFFLINE_AFTER || !navigator.onLine;
    say({ state: long ? "offline" : "reconnecting", retryAt: closing.retryAt });
  }

  return {
    opened() {
      brokenSince = 0;
      triedAgain = false;
      stop();
      say({ state: "live", lastEventAt: Date.now() });
      whenOpened();
    },

    /**
     * The socket is gone, or could not be had; only one that cannot be opened while the server answers is a reason to poll.
     * A server that has only just come up answers HTTP a moment after it refused the socket: that is tried once more first.
     */
    async closed(told) {
      closing = told;
      brokenSince ||= Date.now();
      if (polling) return;
      waiting();
      if ((told.wasOpen && told.retryAt) || !(await api.reachable()) || closing !== told) return;
      if (triedAgain || !told.retryAt) return poll((polling = scope.child()));
      triedAgain = true;
      hurry();
    },

    polled: () => say({ state: "polling", reason: closing.problem?.user_message, lastEventAt: Date.now() }),

    /** Polling met no server either: it goes on, unless the socket comes back by itself. */
    lost() {
      if (closing.retryAt) stop();
      waiting();
      hurry();
    },
  };
}
