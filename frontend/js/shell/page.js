// Owns the frame of the page: masthead, ways to go, and the view that belongs to the address.

import { useApp } from "../app.js";
import { html, useLayoutEffect, useRef } from "../lib.js";
import { SearchView } from "../library/search-view.js";
import { LibraryView } from "../library/view.js";
import { QueueView } from "../queue/view.js";
import { left, link } from "../route.js";
import { TranscriptView } from "../transcript/view.js";
import { t } from "../words.js";
import { Announcements } from "./announcer.js";
import { ConnectionView } from "./connection-view.js";
import { Questions } from "./dialog.js";
import { Help } from "./help.js";
import { Icon } from "./icon.js";
import { Bell } from "./notifications.js";
import { Toasts } from "./toasts.js";

/** @type {(props: { retry: () => void }) => VNode} */
export function Page({ retry }) {
  const { route, model: { newer } } = useApp();
  const { path, parts: [place = "", id], query } = route.value;
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(path);
  const views = {
    tasks: () => html`<${TranscriptView} id=${id} key=${id} />`,
    library: () => html`<${LibraryView} />`,
    search: () => html`<${SearchView} query=${query.q ?? ""} />`,
    "": () => html`<${QueueView} />`,
  };
  const way = (/** @type {string} */ to, /** @type {string} */ name) => html`<a href=${link(`/${to}`)} aria-current=${to === place ? "page" : null}>${t(`shell.${name}`)}</a>`;
  const toMain = (/** @type {Event} */ event) => {
    event.preventDefault();
    main.current?.focus();
  };
  // Another view is another page: it begins where it was left, and the keyboard goes on in it.
  useLayoutEffect(() => {
    scrollTo(0, left[path] ?? 0);
    if (before.current !== path) main.current?.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
  return html`
    <header class="masthead">
      <a class="skip" href="#main" onClick=${toMain}>${t("shell.skip")}</a>
      <h1><a href=${link("/")}><${Icon} name="wave" />${t("shell.name")}</a></h1>
      <nav>${way("", "queue")}${way("library", "library")}${way("search", "search")}</nav>
      <${ConnectionView} retry=${retry} /><${Bell} /><${Help} />
    </header>
    ${newer.value && html`<p class="newer" role="status">
      ${t("shell.newer", { version: newer.value })} <button type="button" class="link" onClick=${() => location.reload()}>${t("shell.reload")}</button>
    </p>`}
    <main id="main" tabindex="-1" ref=${main}>${(/** @type {Record<string, () => VNode>} */ (views)[place] ?? views[""])()}</main>
    <${Toasts} /><${Questions} /><${Announcements} />
  `;
}
