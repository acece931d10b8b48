// Owns clean-up: one scope holds every listener and timer of a part of the page and lets go of them together.

export class Scope {
  #disposers = new Set();
  #disposed = false;

  /** Keeps `dispose` until this scope ends; returns a function that runs it now. */
  own(dispose) {
    const once = () => {
      if (this.#disposers.delete(once)) dispose();
    };
    if (this.#disposed) {
      dispose();
      return () => {};
    }
    this.#disposers.add(once);
    return once;
  }

  listen(target, type, handler, options) {
    target.addEventListener(type, handler, options);
    return this.own(() => target.removeEventListener(type, handler, options));
  }

  /** Runs `action` once after `milliseconds`; returns a function that calls it off. */
  after(milliseconds, action) {
    const cancel = this.own(() => clearTimeout(timer));
    const timer = setTimeout(() => {
      cancel();
      action();
    }, milliseconds);
    return cancel;
  }

  every(milliseconds, action) {
    const timer = setInterval(action, milliseconds);
    return this.own(() => clearInterval(timer));
  }

  child() {
    const child = new Scope();
    const forget = this.own(() => child.dispose());
    child.own(() => forget());
    return child;
  }

  get disposed() {
    return this.#disposed;
  }

  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const dispose of [...this.#disposers].reverse()) dispose();
  }
}
