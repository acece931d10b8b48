// Owns what keys do while a transcript is open.

/** @param {Desk} desk @returns {ShortcutLike[]} */
export function keysOf({ edits, editable, editing, place, player: { seek, time, toggle }, query, segments }) {
  const find = () => (query.value ??= "");
  const edit = () => editable.value && (editing.value = segments.value[Math.max(0, place.value)]?.key);
  const key = (/** @type {string[]} */ keys, /** @type {string} */ name, /** @type {() => void} */ run, more = {}) => ({ keys, words: `transcript.${name}`, run, ...more });
  return [
    key(["k"], "play_pause", toggle),
    key([" "], "play_pause", toggle, { when: () => document.activeElement === document.body }),
    key(["j", "ArrowLeft"], "back", () => seek(time.value - 5)),
    key(["l", "ArrowRight"], "forward", () => seek(time.value + 5)),
    key(["e"], "edit", edit),
    key(["/"], "find", find),
    key(["Ctrl+f"], "find", find, { inFields: true }),
    key(["Ctrl+z"], "undo", edits.undo),
    key(["Ctrl+y", "Ctrl+Z"], "redo", edits.redo),
  ];
}
