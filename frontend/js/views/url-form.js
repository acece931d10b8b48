// Owns the field for a recording's address: sends it, and tells beneath it what was wrong.

import { newKey } from "../api.js";
import { ProblemView } from "./problem.js";

export class UrlForm {
  #problem = new ProblemView();
  #key = newKey();

  /** `submit(url, key)` sends it and raises a Problem; the key stays the same until it was taken in. */
  constructor({ form, submit, scope }) {
    this.form = form;
    this.input = form.elements.namedItem("url");
    this.button = form.querySelector("button");
    this.submit = submit;
    form.append(this.#problem.element);
    scope.listen(form, "submit", (event) => this.#submitted(event));
    scope.listen(this.input, "input", () => this.#changed());
  }

  offer(url) {
    this.input.value = url;
    this.#changed();
    this.input.focus();
  }

  #changed() {
    this.#key = newKey();
    this.#problem.show(null);
  }

  async #submitted(event) {
    event.preventDefault();
    this.button.disabled = true;
    this.#problem.show(null);
    try {
      await this.submit(this.input.value.trim(), this.#key);
      this.form.reset();
      this.#changed();
    } catch (problem) {
      this.#problem.show(problem);
    } finally {
      this.button.disabled = false;
    }
  }
}
