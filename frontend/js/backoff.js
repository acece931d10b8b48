// Owns how long to wait before the next try: growing, with jitter so that many pages do not return in step.

const [FIRST, GROWTH, LONGEST] = [400, 1.5, 10_000];

/** `next` gives milliseconds: between half and all of a step. */
export function newBackoff(random = Math.random) {
  let tries = 0;
  return {
    next: () => Math.round(Math.min(LONGEST, FIRST * GROWTH ** tries++) * (0.5 + random() / 2)),
    reset: () => void (tries = 0),
  };
}
