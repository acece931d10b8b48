// Owns following Tasks without a socket: every moment the Task at work, now and then the list.

import { isFinished } from "./task.js";

const PAUSE = 1_200;
const LIST_EVERY = 3;

/** @type {NewPoller} */
export function newPoller({ scope, sync, polled, lost }) {
  let run = scope.child();
  run.dispose();

  /** @param {ScopeLike} own the run that this round belongs to */
  async function round(own, count = 0) {
    try {
      const open = sync.tasks().filter((task) => !isFinished(task));
      const current = open.find((task) => task.status !== "queued") ?? open.at(-1);
      if (current) await sync.read(current.id, true);
      if (!current || count % LIST_EVERY === 0) await sync.reload();
      if (!own.disposed) polled();
    } catch (problem) {
      if (!own.disposed && /** @type {ProblemLike} */ (problem).code === "unreachable") lost();
    }
    if (!own.disposed) own.after(PAUSE, () => round(own, count + 1));
  }

  return {
    running: () => !run.disposed,
    start() {
      run = scope.child();
      round(run);
    },
    stop: () => run.dispose(),
  };
}
