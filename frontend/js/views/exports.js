// Owns taking a transcript away: copy it, or save it in one of the formats.

import { copy } from "../clipboard.js";
import { button, h, icon } from "./dom.js";

const FORMATS = {
  txt: "Text",
  docx: "Word document",
  md: "Markdown",
  srt: "Subtitles",
  vtt: "Subtitles for the web",
  csv: "Table",
  tsv: "Table, as whisper’s",
  json: "All data",
  verbose_json: "OpenAI, with words",
  diarized_json: "OpenAI, with speakers",
};
const TOLD_FOR = 2_000;

export class Exports {
  #links = Object.entries(FORMATS).map(([format, meaning]) => this.#link(format, meaning));
  #copy = button("Copy text", "copy", () => this.#copyText());
  #opener = h("summary", { class: "quiet" }, icon("download"), h("span", { text: "Download" }));
  #items = h("div", { class: "menu-items", role: "group", "aria-label": "Formats" }, ...this.#links);
  #menu = h("details", { class: "menu" }, this.#opener, this.#items);
  #task;
  element = h("div", { class: "exports", hidden: true }, this.#copy, this.#menu);

  /** `commands`: `text(id)` gives the transcript as plain text, `save(id, format, filename)`, `pathOf(id, format)`. */
  constructor({ scope, commands }) {
    this.scope = scope;
    this.commands = commands;
    this.#menu.addEventListener("keydown", (event) => event.key === "Escape" && this.#close(this.#opener));
    this.#menu.addEventListener("focusout", ({ relatedTarget: next }) => next && !this.#menu.contains(next) && this.#close());
    scope.listen(document, "pointerdown", ({ target }) => this.#menu.contains(target) || this.#close());
  }

  show(task) {
    this.#task = task;
    const ready = task.status === "completed" || task.status === "partial";
    this.element.hidden = !ready && task.segments.length === 0;
    for (const link of this.#links) link.href = this.commands.pathOf(task.id, link.dataset.format);
  }

  #link(format, meaning) {
    const words = [h("span", { text: meaning }), h("span", { text: endingOf(format) })];
    const click = (event) => this.#save(event, format);
    return h("a", { class: "quiet", "data-format": format, "aria-label": `Download as ${format}`, on: { click } }, ...words);
  }

  /** A plain click saves under the recording's name; with a key held down the link is a link. */
  #save(event, format) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.#close(this.#opener);
    this.commands.save(this.#task.id, format, `${stem(this.#task.filename)}.${endingOf(format)}`);
  }

  #close(focused) {
    if (!this.#menu.open) return;
    this.#menu.open = false;
    focused?.focus();
  }

  async #copyText() {
    const label = this.#copy.querySelector("span");
    const done = await this.commands.text(this.#task.id).then(copy, () => false);
    label.textContent = done ? "Copied" : "Could not copy";
    this.scope.after(TOLD_FOR, () => (label.textContent = "Copy text"));
  }
}

const stem = (filename) => filename.replace(/\.[^.]{1,5}$/, "") || "transcript";

const endingOf = (format) => format.replace("_", ".");
