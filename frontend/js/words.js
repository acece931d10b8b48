// Owns the words of the page: loads the language's files, fills in values, and writes numbers and times as that language does.

const PARTS = ["shell", "queue", "transcript", "library"];

/** What each file says, by its name. @type {Words} */
let words = {};
let language = "en";

export function setWords(/** @type {Words} */ parts, code = "en") {
  words = parts;
  language = code;
}

export async function loadWords(code = document.documentElement.lang) {
  const read = async (/** @type {string} */ part) => [part, await (await fetch(`/assets/locale/${code}/${part}.json`)).json()];
  setWords(Object.fromEntries(await Promise.all(PARTS.map(read))), code);
}

/** The text of a key: `{name}` becomes that value, `count` chooses among plural forms. @type {Say} */
export function t(key, values = {}) {
  const dot = key.indexOf(".");
  const found = words[key.slice(0, dot)]?.[key.slice(dot + 1)] ?? key;
  const text = typeof found === "string" ? found : (found[new Intl.PluralRules(language).select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : String(values[name] ?? "")));
}

/** @type {NumberToText} */
export const number = (value, options) => new Intl.NumberFormat(language, options).format(value);

/** Of 100. @type {ToText} */
export const percent = (value) => number(value / 100, { style: "percent" });

/** Seconds as on a player: 0:04, 12:30, 1:02:05. @type {ToText} */
export function clock(seconds) {
  const [hours, ...rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => Math.floor(Math.max(0, part)));
  return (hours ? [hours, ...rest] : rest).map((part, place) => String(part).padStart(place && 2, "0")).join(":");
}

export const measure = (/** @type {number} */ value, /** @type {string} */ unit, digits = 0) => number(value, { style: "unit", unit, maximumFractionDigits: digits });

/** Seconds in words, no more exact than anybody needs: 9 sec, 12 min, 1 hr 5 min. @type {ToText} */
export function duration(seconds) {
  if (seconds < 59.5) return measure(Math.max(1, seconds), "second");
  const minutes = Math.round(seconds / 60);
  const parts = [minutes >= 60 && measure(Math.floor(minutes / 60), "hour"), minutes % 60 && measure(minutes % 60, "minute")];
  return parts.filter(Boolean).join(" ");
}

/** @type {WhenToText} */
export const dateTime = (when, options = { dateStyle: "medium", timeStyle: "short" }) => new Intl.DateTimeFormat(language, options).format(new Date(when));

export const languageName = (/** @type {string} */ code) => new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code;
