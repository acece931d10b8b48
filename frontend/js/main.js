// Owns how the page is put together: parts in, wires between them, nothing else.

import { api } from "./api.js";
import { AppContext } from "./app.js";
import { newCommands } from "./commands.js";
import { newConnection } from "./connection.js";
import { html, render } from "./lib.js";
import { newModel } from "./model.js";
import { newPoller } from "./poller.js";
import { uploadsOf } from "./queue/uploads.js";
import { followAddress, route } from "./route.js";
import { newScope } from "./scope.js";
import { announcer } from "./shell/announcer.js";
import { confirm } from "./shell/dialog.js";
import { notify } from "./shell/notifications.js";
import { Page } from "./shell/page.js";
import { newShortcuts } from "./shell/shortcuts.js";
import { endAll, toaster } from "./shell/toasts.js";
import { newSocket } from "./socket.js";
import { newSync } from "./sync.js";
import { loadWords } from "./words.js";

const scope = newScope();
const model = newModel();
const { dispatch } = model;
const toast = toaster(scope);
const heard = () => dispatch({ type: "heard", at: Date.now() });

const sync = newSync({ api, model, scope, send: (command) => socket.send(command) });

const poller = newPoller({
  scope,
  sync,
  polled() {
    heard();
    connection.polled();
  },
  lost: () => connection.lost(),
});

const connection = newConnection({
  poller,
  api,
  hurry: () => socket.hurry(),
  say: (change) => dispatch({ type: "connection_changed", ...change }),
  whenOpened() {
    heard();
    sync.opened();
    readServer();
  },
});

const socket = newSocket({ path: "/ws?batch=1", scope, opened: connection.opened, received: sync.received, closed: connection.closed });

/** Another server may answer than before: of another release, with other engines. One that is gone again is asked when it is back. */
function readServer() {
  api.get("/health").then(({ version }) => dispatch({ type: "version_told", version }), () => {});
  api.get("/health/engines").then((engines) => dispatch({ type: "engines_loaded", engines }), () => {});
}

const commands = newCommands({ api, model, sync, toast });
const uploads = uploadsOf({ api, model, scope, commands });

/** @type {AppLike} */
const app = { model, api, commands, uploads, route, scope, toast, confirm, shortcuts: newShortcuts(scope), announce: announcer({ model, scope }) };

scope.listen(window, "beforeunload", (event) => uploads.busy && event.preventDefault());
scope.listen(window, "pagehide", ({ persisted }) => {
  endAll();
  if (!persisted) scope.dispose();
});

socket.connect();
await loadWords();
followAddress(scope);
notify(app);
render(html`<${AppContext.Provider} value=${app}><${Page} retry=${socket.hurry} /><//>`, /** @type {HTMLElement} */ (document.querySelector("#page")));
