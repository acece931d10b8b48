// Owns which files a drop or a folder holds. In a folder only recordings count; a file that was picked by itself is always sent.

const TYPES = /^(audio|video)\//;
const ENDINGS = /\.(3gp|aac|ac3|aiff?|amr|ape|au|avi|caf|flac|flv|m4[abv]|mk[av]|mov|mp[34]|mpe?g|mts|og[agv]|opus|spx|tta|wav|web[am]|wm[av]|wv)$/i;

/** @type {(file: {name: string, type: string}) => boolean} */
export const isRecording = ({ name, type }) => !name.startsWith(".") && (TYPES.test(type) || ENDINGS.test(name));

/** The recordings of a folder in the order of their names, and how many files are none. @param {File[]} all */
export function recordingsOf(all) {
  const files = all.filter(isRecording).sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return { files, skipped: all.length - files.length };
}

/** What a file has that an answer refuses; an answer about no single one refuses all. @type {Record<string, (file: File, detail: string) => boolean>} */
const REASONS = {
  too_large: ({ size }, detail) => size > Number(detail.match(/ than (\d+)$/)?.[1]),
  unsupported_extension: ({ name }, detail) => detail.endsWith(` .${name.split(".").at(-1)?.toLowerCase()}`),
};

/** Which files a refusal is about, and which it is not. @type {Sorted} */
export function sorted(files, { code, detail }) {
  const isMeant = (/** @type {File} */ file) => REASONS[code ?? ""]?.(file, detail ?? "") || files.length === 1;
  return { refused: files.filter(isMeant), rest: files.filter((file) => !isMeant(file)) };
}

/** What was dropped or chosen. @type {(goods: Goods) => Promise<{ files: File[], skipped: number }>} */
export async function found({ files, entries }) {
  if (entries.some((entry) => entry?.isDirectory)) return recordingsOf((await Promise.all(entries.map((entry) => (entry ? under(entry) : [])))).flat());
  return files.some((file) => file.webkitRelativePath) ? recordingsOf(files) : { files, skipped: 0 };
}

/** @param {any} entry @returns {Promise<File[]>} */
async function under(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    /** A folder is told in portions, the last of them empty. @type {any[]} */
    const portion = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!portion.length) return found;
    for (const one of portion) found.push(...(await under(one)));
  }
}
