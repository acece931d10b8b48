// Owns the transcript of one Task: it grows segment by segment and follows the newest unless the reader scrolled away.

import { clock } from "../phrasing.js";
import { isFinished } from "../task.js";
import { button, h, setText } from "./dom.js";

const AT_END = 32;

export class TranscriptView {
  #lines = h("ol", { class: "segments" });
  #box = h("div", { class: "transcript-box", tabindex: "0", role: "region", "aria-label": "Transcript" }, this.#lines);
  #newest = button("Newest", "down", () => this.#toEnd(), { class: "newest" });
  #shown = [];
  #source = null;
  element = h("div", { class: "transcript", hidden: true }, this.#box, this.#newest);

  constructor() {
    this.#newest.hidden = true;
    this.#box.addEventListener("scroll", () => this.#atEnd() && (this.#newest.hidden = true), { passive: true });
  }

  show(task, visible) {
    this.element.hidden = !visible || task.segments.length === 0;
    this.element.classList.toggle("growing", !isFinished(task));
    if (isFinished(task)) this.#newest.hidden = true;
    if (this.element.hidden || task.segments === this.#source) return;
    const following = this.#shown.length === 0 || this.#atEnd();
    this.#draw(task.segments);
    this.#source = task.segments;
    if (isFinished(task)) return;
    if (following) this.#toEnd();
    else this.#newest.hidden = false;
  }

  #draw(segments) {
    segments.forEach((segment, place) => {
      if (this.#shown[place] === segment) return;
      const line = this.#lines.children[place] ?? this.#lines.appendChild(emptyLine());
      fill(line, segment, this.#shown[place - 1]?.speaker);
      this.#shown[place] = segment;
    });
    while (this.#lines.children.length > segments.length) this.#lines.lastChild.remove();
    this.#shown.length = segments.length;
  }

  #atEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < AT_END;
  }

  #toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#newest.hidden = true;
  }
}

function emptyLine() {
  return h("li", { class: "segment" }, h("time", { class: "segment-time" }), h("p", { class: "segment-text" }, h("b"), h("span")));
}

function fill(line, { start, text, speaker }, speakerBefore) {
  const [time, words] = line.children;
  const [name, said] = words.children;
  setText(time, clock(start));
  time.dateTime = `PT${start.toFixed(2)}S`;
  setText(name, speaker && speaker !== speakerBefore ? `${speaker}: ` : "");
  setText(said, text);
}
