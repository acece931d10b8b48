// Owns clean-up: one scope holds every listener and timer of a part of the page and lets go of them together.

/** @type {() => ScopeLike} */
export function newScope() {
  /** @type {Set<() => void>} */
  const owned = new Set();
  /** @type {ScopeLike} */
  const scope = {
    disposed: false,

    own(dispose) {
      const once = () => {
        if (owned.delete(once)) dispose();
      };
      owned.add(once);
      if (scope.disposed) once();
      return once;
    },

    listen(target, type, handler, options) {
      target.addEventListener(type, handler, options);
      return scope.own(() => target.removeEventListener(type, handler, options));
    },

    after(milliseconds, action) {
      const timer = setTimeout(() => {
        cancel();
        action();
      }, milliseconds);
      const cancel = scope.own(() => clearTimeout(timer));
      return cancel;
    },

    every(milliseconds, action) {
      const timer = setInterval(action, milliseconds);
      return scope.own(() => clearInterval(timer));
    },

    child() {
      const child = newScope();
      child.own(scope.own(child.dispose));
      return child;
    },

    dispose() {
      scope.disposed = true;
      for (const dispose of [...owned].reverse()) dispose();
    },
  };
  return scope;
}
