// Owns how long to wait before the next try: growing, with jitter so that many pages do not return in step.

export class Backoff {
  #tries = 0;

  constructor({ first = 400, growth = 1.5, longest = 10_000, random = Math.random } = {}) {
    this.first = first;
    this.growth = growth;
    this.longest = longest;
    this.random = random;
  }

  /** Milliseconds until the next try: between half and all of the step. */
  next() {
    const step = Math.min(this.longest, this.first * this.growth ** this.#tries);
    this.#tries += 1;
    return Math.round(step * (0.5 + this.random() / 2));
  }

  reset() {
    this.#tries = 0;
  }
}
