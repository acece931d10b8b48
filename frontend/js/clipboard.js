// Owns putting text on the clipboard, also on plain-http pages, where browsers lock the newer way.

/** @type {(text: string) => Promise<boolean>} */
export const copy = (text) => navigator.clipboard?.writeText(text).then(() => true, () => bySelection(text)) ?? Promise.resolve(bySelection(text));

/** @type {(text: string) => boolean} */
function bySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
