// Owns how the page is put together: parts in, wires between them, nothing else.

import { api, unreachable } from "./api.js";
import { AppContext } from "./app.js";
import { newCommands } from "./commands.js";
import { newConnection } from "./connection.js";
import { idle } from "./later.js";
import { html, render } from "./lib.js";
import { newModel } from "./model.js";
import { followAddress, route } from "./route.js";
import { newScope } from "./scope.js";
import { Page } from "./shell/page.js";
import { newShortcuts } from "./shell/shortcuts.js";
import { newSocket } from "./socket.js";
import { newSync } from "./sync.js";
import { loadWords } from "./words.js";

const scope = newScope();
const model = newModel();
const { dispatch } = model;

const sync = newSync({ api, model, scope, send: (command) => socket.send(command) });

const connection = newConnection({
  scope,
  api,
  poll: (scope) => import("./poller.js").then(({ poll }) => poll({ scope, sync, ...connection }), () => connection.lost()),
  hurry: () => socket.hurry(),
  say: (change) => dispatch({ type: "connection_changed", ...change }),
  whenOpened: sync.opened,
});

const socket = newSocket({ path: "/ws?batch=1", scope, opened: connection.opened, received: sync.received, closed: connection.closed });

const words = loadWords();

/** @type {AppLike["toast"]} */
const toast = (...told) => void company.then((all) => all.toast(...told));

const commands = newCommands({ api, model, sync, toast });

/** What sends recordings is fetched with the first of them. @type {UploadsLike | undefined} */
let sender;
const sending = () => import("./queue/uploads.js").then(({ uploadsOf }) => (sender ??= uploadsOf({ api, model, scope, commands, toast })));

/** @type {AppLike} */
const app = {
  model,
  api,
  commands,
  route,
  scope,
  toast,
  shortcuts: newShortcuts(),
  uploads: (act) => sending().then(act, (failure) => toast(unreachable(failure).message)),
  announce: (...told) => void company.then((all) => all.announce(...told)),
  help: () => void company.then((all) => all.help()),
  confirm: (...asked) => import("./shell/dialog.js").then((dialog) => dialog.confirm(...asked)),
};

const company = words.then(idle).then(async () => (await import("./shell/company.js")).company(app));

scope.listen(window, "beforeunload", (event) => sender?.busy && event.preventDefault());
scope.listen(window, "pagehide", ({ persisted }) => persisted || scope.dispose());

socket.connect();
await words;
followAddress(scope);
render(html`<${AppContext.Provider} value=${app}><${Page} retry=${socket.hurry} /><//>`, /** @type {HTMLElement} */ (document.querySelector("#page")));
