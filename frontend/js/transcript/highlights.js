// Owns marks that change no elements: the word that is said, what was looked for, the one of it that is looked at.

import { timedWords } from "./moments.js";

/** @param {HTMLElement} list @param {Desk} desk */
export function highlight(list, { segments, place, said, matches, match }) {
  const word = said.value < 0 ? undefined : timedWords(segments.value[place.value])[said.value];
  const marks = { said: word ? [{ place: place.value, ...word }] : [], found: matches.value, looked: matches.value.slice(match.value, match.value + 1) };
  const texts = new Map(Array.from(list.querySelectorAll("p.words"), (words) => [Number(words.closest("li")?.dataset.index), words.firstChild]));
  const ranges = (/** @type {Place} */ { place: at, from, to }) => {
    const text = /** @type {Text} */ (texts.get(at));
    if (!text || to > text.length) return [];
    const range = new Range();
    range.setStart(text, from);
    range.setEnd(text, to);
    return [range];
  };
  for (const [name, places] of Object.entries(marks)) CSS.highlights?.[places.length ? "set" : "delete"](name, new Highlight(...places.flatMap(ranges)));
}
