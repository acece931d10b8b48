// Owns the HTTP calls of the page; a failure is always a Problem with words for a person.

import { t } from "./words.js";

export class Problem extends Error {
  /** @param {any} told the `error` of an answer, or the same made here */
  constructor({ message, request_id, ...told }, status = 0) {
    super(message);
    Object.assign(this, told, { requestId: request_id, status });
  }

  code = "";
  status = 0;
}

/** @type {OwnProblem} */
const ownProblem = (code, detail, status) =>
  new Problem({ code, message: t(`shell.${code}`), remedy: t(`shell.${code}.remedy`), detail: String(detail), retryable: !status }, status);

export const unreachable = (/** @type {unknown} */ detail) => ownProblem("unreachable", detail);

/** What an answer's body says, or its status where the body is not ours: a gateway answers for a server that is away. @type {AnswerProblem} */
export function problemOf(status, body) {
  if (body?.error?.message) return new Problem(body.error, status);
  return status > 500 ? unreachable(`HTTP ${status}`) : ownProblem("unexpected_answer", `HTTP ${status}`, status);
}

/** A random key that makes a repeated submission the same submission. (`randomUUID` needs a secure page; this does not.) */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @type {ApiLike} */
export const api = {
  async ask(method, path, { body, key, etag, ...rest } = {}) {
    const headers = new Headers(rest.headers);
    const plain = !body || body instanceof Blob || body instanceof FormData;
    if (!plain) headers.set("Content-Type", "application/json");
    if (key) headers.set("Idempotency-Key", key);
    if (etag !== undefined) headers.set("If-Match", `"${etag}"`);
    const answer = await fetch(path, { ...rest, method, headers, body: plain ? body : JSON.stringify(body) }).catch((failure) => {
      throw rest.signal?.aborted ? failure : unreachable(failure);
    });
    if (answer.ok || answer.status === 304) return answer;
    throw problemOf(answer.status, await answer.json().catch(() => null));
  },

  json: async (...asked) => (await api.ask(...asked)).json().catch(() => null),
  get: (path, options) => api.json("GET", path, options),
  post: (path, body, options) => api.json("POST", path, { ...options, body }),
  reachable: () => fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(5000) }).then(({ ok }) => ok, () => false),
};
