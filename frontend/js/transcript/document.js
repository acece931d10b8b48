// Owns a transcript as it is shown: what becomes of it by edits, and what is asked of the server for them. Pure.

/** Gives each segment a key that outlives edits: when it begins, numbered where several begin together. @param {ShownSegment[]} segments */
export function keyed(segments) {
  const seen = new Map();
  return segments.map((segment) => {
    const moment = Math.round(segment.start * 1000);
    const number = seen.get(moment) ?? 0;
    seen.set(moment, number + 1);
    return { ...segment, key: number ? `${moment}-${number}` : `${moment}` };
  });
}

/** What the server says that an edit did. @param {Shown} shown @param {TranscriptChange} change */
export function withChange(shown, { removed, ...change }) {
  const gone = new Set([...removed, ...change.segments.map(({ id }) => id)]);
  const segments = shown.segments.filter(({ id }) => !gone.has(id));
  for (const segment of change.segments) segments.splice(segment.index, 0, segment);
  return { ...shown, ...change, segments: keyed(segments) };
}

/** A new text shows at once; where cuts fall and whom a name reaches the server decides. @param {Shown} shown @param {Edit} edit */
export function withEdit(shown, { kind, key, value: text }) {
  if (kind !== "text") return shown;
  return { ...shown, segments: shown.segments.map((one) => (one.key === key ? { ...one, text, words: [] } : one)) };
}

/** @param {Shown} shown @param {string} key */
export const segmentOf = ({ segments }, key) => segments.find((one) => one.key === key);

/** The edit that takes one back. @param {Shown} shown @param {Edit} edit @returns {Edit} */
export function inverse(shown, { kind, key }) {
  const { text = "", speaker_label: label, speaker = null } = segmentOf(shown, key) ?? {};
  if (kind === "split") return { kind: "merge", key };
  if (kind === "merge") return { kind: "split", key, value: [...text].length };
  const name = () => shown.speakers.find((one) => one.label === key)?.name ?? null;
  return { kind, key, value: kind === "text" ? text : kind === "speaker" ? (label ?? speaker) : name() };
}

/** Method, path and body; undefined if there is no such segment. @param {Shown} shown @param {Edit} edit @returns {[string, string, any] | undefined} */
export function requestOf({ segments }, { kind, key, value }) {
  if (kind === "name") return ["PUT", `speakers/${encodeURIComponent(key)}`, { name: value }];
  const place = segments.findIndex((one) => one.key === key);
  const [first, last] = [segments[place]?.id, segments[place + 1]?.id];
  if (!first || (kind === "merge" && !last)) return undefined;
  if (kind === "merge") return ["POST", "segments/merge", { first, last }];
  return kind === "split" ? ["POST", `segments/${first}/split`, { offset: value }] : ["PATCH", `segments/${first}`, { [kind]: value }];
}

/** White space as the server keeps it. @param {string} text */
export const tidy = (text) => text.replace(/[ \t\r\n]+/g, " ").trim();

/** Who speaks, each with the number of a colour. @param {ShownSegment[]} segments @returns {Map<string | null, number>} */
export function voices(segments) {
  const found = new Map();
  for (const { speaker } of segments) if (speaker && !found.has(speaker)) found.set(speaker, found.size % 8);
  return found;
}
