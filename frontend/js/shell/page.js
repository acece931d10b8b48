// Owns the frame of the page: masthead, ways to go, and the view that belongs to the address.

import { useApp } from "../app.js";
import { later } from "../later.js";
import { html, useLayoutEffect, useRef } from "../lib.js";
import { QueueView } from "../queue/view.js";
import { left, link } from "../route.js";
import { t } from "../words.js";
import { ConnectionView } from "./connection-view.js";
import { Icon, IconButton } from "./icon.js";

const Bell = later(async () => (await import("./notifications.js")).Bell);
const Transcript = later(async () => (await import("../transcript/view.js")).TranscriptView);

/** @type {Record<string, Component>} */
const VIEWS = {
  "": QueueView,
  tasks: (props) => html`<${Transcript} key=${props.id} ...${props} />`,
  library: later(async () => (await import("../library/view.js")).LibraryView),
  search: later(async () => (await import("../library/search-view.js")).SearchView),
};

/** @type {Component} */
export function Page({ retry }) {
  const { route, help } = useApp();
  const { path, parts: [place = "", id], query } = route.value;
  const main = useRef(/** @type {any} */ (null));
  const before = useRef(path);
  // Another view is another page: it begins where it was left, and the keyboard goes on in it.
  useLayoutEffect(() => {
    scrollTo(0, left[path] ?? 0);
    if (before.current !== path) main.current.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
  return html`
    <header class="masthead">
      <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>${t("shell.skip")}</a>
      <h1><a href=${link("/")}><${Icon} name="wave" />${t("shell.name")}</a></h1>
      <nav>
        ${["", "library", "search"].map((way) => html`<a href=${link(`/${way}`)} aria-current=${way === place ? "page" : null}>${t(`shell.${way || "queue"}`)}</a>`)}
      </nav>
      <${ConnectionView} retry=${retry} /><${Bell} />
      <${IconButton} name="keyboard" label=${t("shell.help")} onClick=${help} />
    </header>
    <main id="main" tabindex="-1" ref=${main}><${Object.hasOwn(VIEWS, place) ? VIEWS[place] : QueueView} id=${id} query=${query.q ?? ""} /></main>
  `;
}
