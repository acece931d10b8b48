// Owns what keys do while a transcript is open.

/** @param {Desk} desk @returns {ShortcutLike[]} */
export function keysOf(desk) {
  const { edits, editable, editing, place, player: { seek, time, toggle }, query, readable, segments } = desk;
  const find = () => {
    query.value ??= "";
    /** @type {HTMLElement | null} */ (document.querySelector(".find input"))?.focus();
  };
  const edit = () => {
    if (!editable.value) return;
    const at = Math.max(0, place.value);
    desk.show(at);
    editing.value = segments.value[at].key;
  };
  const key = (/** @type {string[]} */ keys, /** @type {string} */ name, /** @type {() => void} */ run, more = {}) => ({ keys, words: `transcript.${name}`, run, ...more });
  return [
    key(["k"], "play_pause", toggle),
    key([" "], "play_pause", toggle, { when: () => document.activeElement === document.body }),
    key(["j", "ArrowLeft"], "back", () => seek(time.value - 5)),
    key(["l", "ArrowRight"], "forward", () => seek(time.value + 5)),
    key(["e"], "edit", edit),
    key(["/"], "find", find, { when: () => readable.value }),
    key(["Ctrl+f"], "find", find, { inFields: true, when: () => readable.value }),
    key(["Ctrl+z"], "undo", edits.undo),
    key(["Ctrl+y", "Ctrl+Z"], "redo", edits.redo),
  ];
}
