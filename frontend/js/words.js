// Owns the words of the page: loads the language's files, fills in values, and writes numbers and times as that language does.

const PARTS = ["shell", "queue", "transcript", "library"];
const BYTES = ["kilobyte", "megabyte", "gigabyte"];

/** @type {Record<string, string | Record<string, string>>} */
let words = {};
let language = "en";

/** `parts`: what each file says, by its name. @type {(parts: Record<string, any>, code?: string) => void} */
export function setWords(parts, code = "en") {
  language = code;
  words = Object.fromEntries(Object.entries(parts).flatMap(([part, own]) => Object.keys(own).map((key) => [`${part}.${key}`, own[key]])));
}

export async function loadWords(code = document.documentElement.lang) {
  const read = async (/** @type {string} */ part) => [part, await (await fetch(`/assets/locale/${code}/${part}.json`)).json()];
  setWords(Object.fromEntries(await Promise.all(PARTS.map(read))), code);
}

/** The text of a key: `{name}` becomes that value, `count` chooses among plural forms. @type {(key: string, values?: Record<string, any>) => string} */
export function t(key, values = {}) {
  const found = words[key] ?? key;
  const text = typeof found === "string" ? found : (found[new Intl.PluralRules(language).select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : String(values[name] ?? "")));
}

/** @type {(value: number, options?: Intl.NumberFormatOptions) => string} */
export const number = (value, options) => new Intl.NumberFormat(language, options).format(value);

/** Of 100. @type {ToText} */
export const percent = (value) => number(value / 100, { style: "percent" });

/** Seconds as on a player: 0:04, 12:30, 1:02:05. @type {ToText} */
export function clock(seconds) {
  const [hours, ...rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => Math.floor(Math.max(0, part)));
  return (hours ? [hours, ...rest] : rest).map((part, place) => String(part).padStart(place && 2, "0")).join(":");
}

/** @type {(value: number, unit: string, digits?: number) => string} */
const measure = (value, unit, digits = 0) => number(value, { style: "unit", unit, maximumFractionDigits: digits });

/** Seconds in words, no more exact than anybody needs: 9 sec, 12 min, 1 hr 5 min. @type {ToText} */
export function duration(seconds) {
  if (seconds < 59.5) return measure(Math.max(1, seconds), "second");
  const minutes = Math.round(seconds / 60);
  const parts = [minutes >= 60 && measure(Math.floor(minutes / 60), "hour"), minutes % 60 && measure(minutes % 60, "minute")];
  return parts.filter(Boolean).join(" ");
}

/** @type {ToText} */
export function bytes(count) {
  const step = count < 1e6 ? 0 : count < 1e9 ? 1 : 2;
  const value = count / 1000 ** (step + 1);
  return measure(value, BYTES[step], value < 10 ? 1 : 0);
}

/** @type {(when: string | number, options: Intl.DateTimeFormatOptions) => string} */
const date = (when, options) => new Intl.DateTimeFormat(language, options).format(new Date(when));

/** @type {WhenToText} */
export const day = (when) => date(when, { dateStyle: "medium" });

/** @type {WhenToText} */
export const dateTime = (when) => date(when, { dateStyle: "medium", timeStyle: "short" });

/** @type {WhenToText} */
export const timeOfDay = (when) => date(when, { timeStyle: "medium" });
