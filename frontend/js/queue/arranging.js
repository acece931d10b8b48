// Owns which Tasks the queue shows, in what order, and which of them came together. Pure.

/** What each filter lets through. @type {Record<string, string[]>} */
export const FILTERS = { open: ["processing", "downloading", "queued"], done: ["completed", "partial"], failed: ["failed"], cancelled: ["cancelled"] };

const RANKS = Object.values(FILTERS).flat();

/** Tasks come newest first. @type {Record<string, (tasks: Listed[]) => Listed[]>} */
export const SORTS = {
  oldest: (tasks) => tasks.reverse(),
  name: (tasks) => tasks.sort((a, b) => a.filename.localeCompare(b.filename, undefined, { numeric: true })),
  status: (tasks) => tasks.sort((a, b) => RANKS.indexOf(a.status) - RANKS.indexOf(b.status)),
  length: (tasks) => tasks.sort((a, b) => (b.duration_seconds ?? 0) - (a.duration_seconds ?? 0)),
};

/** @type {(all: Listed[], wish: Record<string, string | undefined>) => Listed[]} */
export function arranged(all, { status = "", q = "", sort = "" }) {
  const part = q.trim().toLowerCase();
  const shown = all.filter((task) => (FILTERS[status]?.includes(task.status) ?? true) && task.filename.toLowerCase().includes(part));
  return SORTS[sort]?.(shown) ?? shown;
}

/** Batches of more than one, by the Task before which their head stands. @type {(shown: Listed[], all: Listed[]) => Map<string, Listed[]>} */
export function batchesBefore(shown, all) {
  /** @type {Map<string, Listed[]>} */
  const batches = new Map();
  for (const task of all) batches.set(task.batch, [...(batches.get(task.batch) ?? []), task]);
  const heads = new Map();
  for (const { id, batch } of shown) {
    const together = batches.get(batch) ?? [];
    if (together.length > 1) heads.set(id, together);
    batches.delete(batch);
  }
  return heads;
}
