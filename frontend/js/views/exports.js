// Owns taking a finished transcript away: copy it, or save it in one of the formats.

import { copy } from "../clipboard.js";
import { button, h, icon } from "./dom.js";

const FORMATS = ["txt", "srt", "vtt", "json"];
const TOLD_FOR = 2_000;

export class Exports {
  #links = FORMATS.map((format) => h("a", { class: "quiet", text: format, on: { click: (event) => this.#save(event, format) } }));
  #copy = button("Copy text", "copy", () => this.#copyText());
  #task;
  element = h(
    "div",
    { class: "exports", hidden: true },
    this.#copy,
    h("span", { class: "formats", role: "group", "aria-label": "Download" }, icon("download"), ...this.#links),
  );

  /** `commands`: `text(id)` gives the transcript as plain text, `save(id, format, filename)`, `pathOf(id, format)`. */
  constructor({ scope, commands }) {
    this.scope = scope;
    this.commands = commands;
  }

  show(task) {
    this.#task = task;
    this.element.hidden = task.status !== "completed" && task.status !== "partial";
    FORMATS.forEach((format, place) => {
      const link = this.#links[place];
      link.href = this.commands.pathOf(task.id, format);
      link.setAttribute("aria-label", `Download as ${format}`);
    });
  }

  /** A plain click saves under the recording's name; with a key held down the link is a link. */
  #save(event, format) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.commands.save(this.#task.id, format, `${stem(this.#task.filename)}.${format}`);
  }

  async #copyText() {
    const label = this.#copy.querySelector("span");
    const done = await this.commands.text(this.#task.id).then(copy, () => false);
    label.textContent = done ? "Copied" : "Could not copy";
    this.scope.after(TOLD_FOR, () => (label.textContent = "Copy text"));
  }
}

const stem = (filename) => filename.replace(/\.[^.]{1,5}$/, "") || "transcript";
