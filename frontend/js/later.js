// Owns parts of the page that are fetched when somebody wants them. Until one is here nothing stands in its place; where it cannot be had,
// words and another try.

import { html, signal, useEffect } from "./lib.js";
import { t } from "./words.js";

/** A component that `fetch` brings; what was fetched before is drawn at once. @type {Later} */
export function later(fetch) {
  const part = signal(/** @type {Component | null} */ (null));
  const missing = signal(false);
  const load = () => fetch().then((found) => void (part.value = found), () => void (missing.value = true));
  return (props) => {
    useEffect(() => void (part.value || load()), []);
    if (part.value) return html`<${part.value} ...${props} />`;
    return missing.value && html`<p class="problem" role="alert">
      ${t("shell.unreachable")} <button type="button" class="link" onClick=${load}>${t("shell.again")}</button>
    </p>`;
  };
}

/** Once the browser has nothing better to do. */
export const idle = () => new Promise((done) => (globalThis.requestIdleCallback ?? setTimeout)(done));
