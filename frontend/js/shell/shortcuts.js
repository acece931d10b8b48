// Owns which keyboard shortcuts hold now, and whether a person wants any (WCAG 2.1.4).

import { computed, signal } from "../lib.js";

/** @type {() => ShortcutsLike} */
export function newShortcuts() {
  const groups = signal(/** @type {ShortcutLike[][]} */ ([]));
  return {
    enabled: signal(localStorage.getItem("shortcuts") !== "off"),
    list: computed(() => groups.value.flat()),
    add(shortcuts) {
      groups.value = [...groups.value, shortcuts];
      return () => void (groups.value = groups.value.filter((one) => one !== shortcuts));
    },
  };
}
