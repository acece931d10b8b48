// Owns dialogs: the browser's own <dialog>, which keeps the focus inside, ends with Escape and gives the focus back.

import { html, render, useLayoutEffect, useRef } from "../lib.js";
import { t } from "../words.js";
import { IconButton } from "./icon.js";

/** Open for as long as it is drawn. @type {(props: { title: string, close: () => void, children?: Hole, class?: string }) => VNode} */
export function Dialog({ title, close, children, class: kind = "" }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // At once: what is pressed next goes into the dialog.
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  return html`<dialog ref=${dialog} class=${`dialog ${kind}`} aria-label=${title} onClose=${close}>
    <header><h2>${title}</h2><${IconButton} name="close" label=${t("shell.close")} onClick=${close} /></header>
    ${children}
  </dialog>`;
}

/** A question stands beside the page, not in it: whoever asks needs no place for it. @type {AppLike["confirm"]} */
export const confirm = (question, { detail, action = t("shell.yes") } = {}) =>
  new Promise((resolve) => {
    const place = document.body.appendChild(document.createElement("div"));
    const answer = (/** @type {boolean} */ yes) => {
      render(null, place);
      place.remove();
      resolve(yes);
    };
    render(html`<${Dialog} title=${question} close=${() => answer(false)}>
      <p>${detail}</p>
      <footer>
        <button type="button" class="secondary" onClick=${() => answer(false)}>${t("shell.cancel")}</button>
        <button type="button" class="primary" onClick=${() => answer(true)}>${action}</button>
      </footer>
    <//>`, place);
  });
