// Owns the list of uploads and Tasks: one row each, made once, moved never, let go when its Task is gone.

import { h } from "./dom.js";
import { TaskRow } from "./task-row.js";
import { UploadRow } from "./upload-row.js";

export class TaskList {
  #rows = new Map();
  #uploads = new Map();

  constructor({ list, empty, scope, taskCommands, uploadCommands }) {
    this.list = list;
    this.empty = empty;
    this.scope = scope;
    this.taskCommands = taskCommands;
    this.uploadCommands = uploadCommands;
  }

  show(state) {
    const uploads = state.uploads.map((upload) => this.#showUpload(upload));
    const tasks = state.order.map((id) => this.#showTask(state.tasks[id], state.engines));
    prune(this.#uploads, new Set(state.uploads.map((upload) => upload.id)));
    prune(this.#rows, new Set(state.order));
    arrange(this.list, [...uploads, ...tasks]);
    this.empty.hidden = !state.listed || uploads.length + tasks.length > 0;
  }

  tick(now) {
    for (const { row } of this.#rows.values()) row.tick(now);
  }

  #showUpload(upload) {
    const make = () => ({ row: new UploadRow({ id: upload.id, commands: this.uploadCommands }), scope: this.scope.child() });
    return shown(this.#uploads, upload.id, make, (row) => row.show(upload));
  }

  #showTask(task, engines) {
    const make = () => {
      const scope = this.scope.child();
      return { row: new TaskRow({ id: task.id, commands: this.taskCommands, scope }), scope };
    };
    return shown(this.#rows, task.id, make, (row) => row.show(task, engines));
  }
}

function shown(rows, id, make, show) {
  if (!rows.has(id)) {
    const made = make();
    rows.set(id, { ...made, item: h("li", {}, made.row.element) });
  }
  const { row, item } = rows.get(id);
  show(row);
  return item;
}

function prune(rows, present) {
  for (const [id, { item, scope }] of rows) {
    if (present.has(id)) continue;
    rows.delete(id);
    scope.dispose();
    item.remove();
  }
}

/** Puts the items in order without touching those that are in place: a moved element would lose focus and scroll. */
function arrange(list, items) {
  let place = list.firstElementChild;
  for (const item of items) {
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
  }
}
