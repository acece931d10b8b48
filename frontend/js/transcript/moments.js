// Owns where things are in a transcript: the segment of a moment, the words of a segment, what is looked for. Pure.

/** The place of the last segment that has begun by then, -1 before the first. @param {Segment[]} segments @param {number} time */
export function placeAt(segments, time) {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle].start <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The words that have a time, and where they stand in the text. @param {Segment} segment */
export function timedWords({ text, words }) {
  let to = 0;
  return (words ?? []).flatMap(({ word, start }) => {
    const from = text.indexOf(word, to);
    if (from < 0 || start === null) return [];
    to = from + word.length;
    return [{ start, from, to }];
  });
}

/** @param {Segment[]} segments @param {string} text found whatever its case @returns {Place[]} */
export function found(segments, text) {
  if (!text) return [];
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
  const within = (/** @type {Segment} */ { text: whole }, /** @type {number} */ place) =>
    Array.from(whole.matchAll(pattern), ({ index: from, 0: { length } }) => ({ place, from, to: from + length }));
  return segments.flatMap(within);
}
