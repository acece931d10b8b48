// Owns dialogs: the browser's own <dialog>, which keeps the focus inside, ends with Escape and gives the focus back.

import { html, signal, useEffect, useRef } from "../lib.js";
import { t } from "../words.js";
import { IconButton } from "./icon.js";

/** Open for as long as it is drawn. @type {(props: { title: string, close: () => void, children?: Hole, class?: string }) => VNode} */
export function Dialog({ title, close, children, class: kind = "" }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  return html`<dialog ref=${dialog} class=${`dialog ${kind}`} aria-label=${title} onClose=${close}>
    <header><h2>${title}</h2><${IconButton} name="close" label=${t("shell.close")} onClick=${close} /></header>
    ${children}
  </dialog>`;
}

const asked = signal(/** @type {{ question: string, detail?: string, action?: string, answer: (yes: boolean) => void } | null} */ (null));

/** @type {AppLike["confirm"]} */
export const confirm = (question, options) =>
  new Promise((resolve) => {
    asked.value = {
      question,
      ...options,
      answer(yes) {
        asked.value = null;
        resolve(yes);
      },
    };
  });

/** Where the questions of `confirm` appear. */
export function Questions() {
  if (!asked.value) return null;
  const { question, detail, action = t("shell.yes"), answer } = asked.value;
  return html`<${Dialog} title=${question} close=${() => answer(false)}>
    <p>${detail}</p>
    <footer>
      <button type="button" class="secondary" onClick=${() => answer(false)}>${t("shell.cancel")}</button>
      <button type="button" class="primary" onClick=${() => answer(true)}>${action}</button>
    </footer>
  <//>`;
}
