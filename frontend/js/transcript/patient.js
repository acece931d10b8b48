// Owns asking until there is an answer: what is refused only for now is asked again.

const AGAIN = 4_000;

/** @type {(scope: ScopeLike, ask: () => Promise<any>, told: (answer: any) => void) => void} */
export function patient(scope, ask, told) {
  ask().then(told, ({ retryable }) => void (retryable && scope.after(AGAIN, () => patient(scope, ask, told))));
}
