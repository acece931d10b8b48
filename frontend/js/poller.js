// Owns following Tasks without a socket, for as long as its scope lives: every moment the Task at work, now and then the list.

import { isFinished } from "./task.js";

const PAUSE = 1_200;
const LIST_EVERY = 3;

/** @type {Poll} */
export async function poll({ scope, sync, polled, lost }, count = 0) {
  try {
    const open = sync.tasks().filter((task) => !isFinished(task));
    const current = open.find((task) => task.status !== "queued") ?? open.at(-1);
    if (current) await sync.read(current.id, true);
    if (!current || count % LIST_EVERY === 0) await sync.reload();
    if (!scope.disposed) polled();
  } catch (problem) {
    if (!scope.disposed && /** @type {ProblemLike} */ (problem).code === "unreachable") lost();
  }
  if (!scope.disposed) scope.after(PAUSE, () => poll({ scope, sync, polled, lost }, count + 1));
}
