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

/** Who says it: the label of a speaker, else a name that segments were given by hand. @type {(segment: ShownSegment) => string | null} */
export const sayer = ({ speaker_label: label, speaker }) => label ?? speaker;

/** The segments that a speaker loses to another; `of`: only those with these keys. @type {(shown: Shown, edit: Edit) => ShownSegment[]} */
const given = ({ segments }, { key, of }) => segments.filter((one) => sayer(one) === key && (!of || of.includes(one.key ?? "")));

/** The edit that takes one back; what a restoration took away nobody has kept. @type {(shown: Shown, edit: Edit) => Edit | undefined} */
export function inverse(shown, edit) {
  const { kind, key, value } = edit;
  const segment = segmentOf(shown, key);
  const { text = "" } = segment ?? {};
  switch (kind) {
    case "text": return { kind, key, value: text };
    case "speaker": return { kind, key, value: segment ? sayer(segment) : null };
    case "name": return { kind, key, value: shown.speakers.find((one) => one.label === key)?.name ?? null };
    case "give": return { kind, key: value, value: key, of: given(shown, edit).map((one) => one.key ?? "") };
    case "split": return { kind: "merge", key };
    case "merge": return { kind: "split", key, value: [...text].length };
  }
}

/** Method, path and body; undefined if there is no such segment, or none left to give. @type {(shown: Shown, edit: Edit) => [string, string, object?] | undefined} */
export function requestOf(shown, edit) {
  const { kind, key, value } = edit;
  if (kind === "name") return ["PUT", `speakers/${encodeURIComponent(key)}`, { name: value }];
  const place = kind === "give" ? shown.segments.indexOf(given(shown, edit)[0]) : shown.segments.findIndex((one) => one.key === key);
  const [first, last] = [shown.segments[place]?.id, shown.segments[place + 1]?.id];
  if (!first) return undefined;
  switch (kind) {
    case "merge": return last ? ["POST", "segments/merge", { first, last }] : undefined;
    case "split": return ["POST", `segments/${first}/split`, { offset: value }];
    case "restore": return ["DELETE", `segments/${first}/edit`];
    case "text": return ["PATCH", `segments/${first}`, { text: value }];
    default: return ["PATCH", `segments/${first}`, { speaker: value }];
  }
}

/** White space as the server keeps it. @type {(text: string) => string} */
export const tidy = (text) => text.replace(/[ \t\r\n]+/g, " ").trim();

/** Who speaks, each with the number of a colour. @type {(segments: ShownSegment[]) => Map<string | null, number>} */
export function voices(segments) {
  const found = new Map();
  for (const { speaker } of segments) if (speaker && !found.has(speaker)) found.set(speaker, found.size % 8);
  return found;
}
