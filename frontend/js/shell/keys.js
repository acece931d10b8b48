// Owns the keyboard: which shortcut a key means, and that it is only a letter where somebody writes.

import { effect } from "../lib.js";

const FIELDS = "input, textarea, select, [contenteditable], dialog *";

/** @type {(app: Pick<AppLike, "scope" | "shortcuts">) => void} */
export function followKeys({ scope, shortcuts: { enabled, list } }) {
  scope.own(effect(() => localStorage.setItem("shortcuts", enabled.value ? "on" : "off")));
  scope.listen(document, "keydown", (event) => {
    if (!enabled.value || event.defaultPrevented || event.isComposing) return;
    const inField = event.target.closest(FIELDS);
    const name = nameOf(event);
    const found = list.value.findLast(({ keys, when, inFields }) => [keys].flat().includes(name) && (inFields || !inField) && (!when || when()));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** Shift is part of a letter or sign already; it is named only with keys that have names. @type {(event: KeyboardEvent) => string} */
const nameOf = ({ key, ctrlKey, metaKey, altKey, shiftKey }) =>
  [(ctrlKey || metaKey) && "Ctrl+", altKey && "Alt+", shiftKey && key.length > 1 && "Shift+", key].filter(Boolean).join("");
