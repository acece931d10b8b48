// Owns short messages that go by themselves unless somebody is about to use them, with a way back where there is one.

import { html, render, signal } from "../lib.js";
import { t } from "../words.js";

const SHOWN_FOR = 8_000;

const toasts = signal(/** @type {{ text: string, undo?: () => void, ended?: () => void }[]} */ ([]));

/** Goes once; what follows from it happens once. @type {(toast: object, then?: () => void) => void} */
function end(toast, then) {
  if (!toasts.value.includes(/** @type {any} */ (toast))) return;
  toasts.value = toasts.value.filter((one) => one !== toast);
  then?.();
}

const endAll = () => toasts.value.forEach((toast) => end(toast, toast.ended));

/** @type {(scope: ScopeLike) => AppLike["toast"]} */
export function toaster(scope) {
  render(html`<${Toasts} />`, document.body.appendChild(document.createElement("div")));
  // The page is about to be closed, or put aside: what would happen once a message has gone happens now.
  scope.own(endAll);
  scope.listen(window, "pagehide", endAll);
  return (text, options) => {
    const toast = { text, ...options };
    toasts.value = [...toasts.value, toast];
    const leave = () => (document.querySelector(".toasts:is(:hover, :focus-within)") ? wait() : end(toast, toast.ended));
    const wait = () => void scope.after(SHOWN_FOR, leave);
    wait();
  };
}

const Toasts = () =>
  html`<div class="toasts" role="status">
    ${toasts.value.map((toast) => html`<p key=${toast}>
      ${toast.text} ${toast.undo && html`<button type="button" class="link" onClick=${() => end(toast, toast.undo)}>${t("shell.undo")}</button>`}
    </p>`)}
  </div>`;
