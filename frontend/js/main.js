// Owns how the page is put together: parts in, wires between them, nothing else.

import { api } from "./api.js";
import { Connection } from "./connection.js";
import { Model } from "./model.js";
import { Poller } from "./poller.js";
import { save } from "./saving.js";
import { Scope } from "./scope.js";
import { EventSocket } from "./socket.js";
import { Sync } from "./sync.js";
import { Uploads } from "./upload.js";
import { Announcer } from "./views/announcer.js";
import { ConnectionView } from "./views/connection-view.js";
import { DropZone } from "./views/drop-zone.js";
import { OptionsForm } from "./views/options-form.js";
import { TaskList } from "./views/task-list.js";
import { UrlForm } from "./views/url-form.js";
import { WindowTitle } from "./views/window-title.js";

const part = (id) => document.getElementById(id);
const scope = new Scope();
const model = new Model();
const { dispatch } = model;

const socket = new EventSocket({
  path: "/ws?batch=1",
  scope,
  events: {
    opened: () => connection.opened(),
    closed: (closing) => connection.closed(closing),
    message: (message) => sync.received(message),
  },
});

const sync = new Sync({ api, model, scope, send: (command) => socket.send(command) });

const poller = new Poller({
  api,
  scope,
  source: { tasks: () => sync.tasks, reload: () => sync.reload() },
  events: {
    progress: (progress) => dispatch({ type: "progress_polled", progress, at: Date.now() }),
    transcript: (transcript) => dispatch({ type: "transcript_loaded", transcript }),
    heard: () => dispatch({ type: "heard", at: Date.now() }),
    lost: () => connection.lost(),
  },
});

const connection = new Connection({
  socket,
  poller,
  api,
  scope,
  say: (change) => dispatch({ type: "connection_changed", ...change }),
  whenOpened: () => Promise.all([sync.opened(), readEngines(), uploads.retryInterrupted()]),
});

const uploads = new Uploads({ dispatch, accepted: (job) => sync.adopt(job) });

async function readEngines() {
  const engines = await api.engines().catch(() => null);
  if (engines) dispatch({ type: "engines_loaded", engines });
}

/** Asks the server to do something with a Task; what comes of it arrives as an event, a refusal is shown in its row. */
async function ask(id, what, request) {
  dispatch({ type: "asked", id, what });
  try {
    await request(id);
    if (what === "delete") dispatch({ type: "task_gone", id });
    else sync.load(id);
  } catch (problem) {
    refuse(id)(problem);
  }
}

async function read(id) {
  const transcript = await api.transcript(id);
  dispatch({ type: "transcript_loaded", transcript });
  return transcript;
}

const refuse = (id) => (problem) => dispatch({ type: "refused", id, problem });

const taskCommands = {
  cancel: (id) => ask(id, "cancel", api.cancel),
  retry: (id) => ask(id, "retry", api.retry),
  remove: (id) => ask(id, "delete", api.remove),
  read: (id) => read(id).catch(refuse(id)),
  text: async (id) => (await read(id)).text,
  save: (id, format, filename) => api.exported(id, format).then((content) => save(content, filename), refuse(id)),
  pathOf: api.transcriptPath,
};

const options = new OptionsForm({ form: part("options"), summary: part("options-summary"), scope });

const urlForm = new UrlForm({
  form: part("url-form"),
  scope,
  submit: async (url, key) => sync.adopt(await api.transcribeUrl(url, options.values, key)),
});

new DropZone({
  scope,
  curtain: part("curtain"),
  input: part("file-input"),
  choose: part("choose"),
  files: (files) => uploads.add(files, options.values),
  address: (url) => urlForm.offer(url),
});

const list = new TaskList({
  list: part("tasks"),
  empty: part("empty"),
  scope,
  taskCommands,
  uploadCommands: { cancel: (id) => uploads.cancel(id), retry: (id) => uploads.retry(id) },
});
const connectionView = new ConnectionView({ element: part("connection"), retry: () => socket.hurry() });
const announcer = new Announcer({ element: part("announcer"), scope });

for (const view of [connectionView, options, list, announcer, new WindowTitle()]) model.watch((state) => view.show(state));

scope.every(1000, () => [connectionView, list].forEach((view) => view.tick(Date.now())));
scope.listen(window, "beforeunload", (event) => uploads.busy && event.preventDefault());
scope.listen(window, "pagehide", (event) => event.persisted || scope.dispose());

socket.connect();
