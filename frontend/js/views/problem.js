// Owns how a failure is told: what went wrong, what to do, and the technical part folded away.

import { h, icon, setText } from "./dom.js";

export class ProblemView {
  #message = h("p", { class: "problem-message" });
  #remedy = h("p", { class: "problem-remedy" });
  #facts = h("dl", { class: "problem-facts" });
  #fold = h("details", {}, h("summary", { text: "Details" }), this.#facts);
  #shown = null;
  element = h(
    "div",
    { class: "problem", hidden: true },
    icon("alert"),
    h("div", { class: "problem-words" }, this.#message, this.#remedy, this.#fold),
  );

  /** `problem`: `{ message, remedy, code, detail, requestId }` or null; `more`: further facts, as [name, value]. */
  show(problem, more = []) {
    this.element.hidden = !problem;
    if (!problem || problem === this.#shown) return;
    this.#shown = problem;
    setText(this.#message, problem.message);
    setText(this.#remedy, problem.remedy ?? "");
    const facts = [["Code", problem.code], ["Detail", problem.detail], ["Request", problem.requestId], ...more];
    this.#facts.replaceChildren(...facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", { text: name }), h("dd", { text: value })]));
  }
}
