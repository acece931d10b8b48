// Owns keyboard shortcuts: who listens to which key now, and whether a person wants any (WCAG 2.1.4).

import { computed, effect, signal } from "../lib.js";

const KEPT = "shortcuts";
const FIELDS = "input, textarea, select, [contenteditable], dialog *";

/** @type {(scope: ScopeLike) => ShortcutsLike} */
export function newShortcuts(scope) {
  const enabled = signal(localStorage.getItem(KEPT) !== "off");
  const groups = signal(/** @type {ShortcutLike[][]} */ ([]));
  const list = computed(() => groups.value.flat());
  scope.own(effect(() => localStorage.setItem(KEPT, enabled.value ? "on" : "off")));
  scope.listen(document, "keydown", (event) => {
    if (!enabled.value || event.defaultPrevented || event.isComposing) return;
    const inField = event.target.closest(FIELDS);
    const name = nameOf(event);
    const found = list.value.findLast(({ keys, when, inFields }) => [keys].flat().includes(name) && (inFields || !inField) && (!when || when()));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
  return {
    enabled,
    list,
    add(shortcuts) {
      groups.value = [...groups.value, shortcuts];
      return () => void (groups.value = groups.value.filter((one) => one !== shortcuts));
    },
  };
}

/** Shift is part of a letter or sign already; it is named only with keys that have names. @type {(event: KeyboardEvent) => string} */
const nameOf = ({ key, ctrlKey, metaKey, altKey, shiftKey }) =>
  [(ctrlKey || metaKey) && "Ctrl+", altKey && "Alt+", shiftKey && key.length > 1 && "Shift+", key].filter(Boolean).join("");
