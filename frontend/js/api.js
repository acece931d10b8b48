// Owns the HTTP calls of the page; a failure is always a Problem with words for a person.

export class Problem extends Error {
  constructor({ code, message, detail = null, retryable = false, remedy = "", request_id: requestId = null }, status = 0) {
    super(message);
    this.code = code;
    this.detail = detail;
    this.retryable = retryable;
    this.remedy = remedy;
    this.requestId = requestId;
    this.status = status;
  }
}

export const unreachable = (detail, remedy = "Check that it is running; this page comes back by itself.") =>
  new Problem({ code: "unreachable", message: "The server cannot be reached.", detail, retryable: true, remedy });

/** The Problem in an answer's body, or one made of its status where the body is not ours. */
export function problemOf(status, body) {
  if (body?.error?.message) return new Problem(body.error, status);
  const message = "The server gave an answer that this page does not understand.";
  return new Problem({ code: "unexpected_answer", message, detail: `HTTP ${status}`, remedy: "Reload the page." }, status);
}

/** A random key that makes a repeated submission the same submission. (`randomUUID` needs a secure page; this does not.) */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function call(method, path, { body, key, signal } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const answer = await fetched(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.json().catch(() => null);
}

/** The answer, if it is a good one. */
async function fetched(path, request) {
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (failure) {
    throw request?.signal?.aborted ? failure : unreachable(String(failure));
  }
  if (answer.ok) return answer;
  throw problemOf(answer.status, await answer.json().catch(() => null));
}

const taskPath = (id, rest = "") => `/tasks/${encodeURIComponent(id)}${rest}`;

export const api = {
  tasks: ({ signal } = {}) => call("GET", "/tasks?per_page=50", { signal }),
  task: (id) => call("GET", taskPath(id)),
  progress: (id, { after, wait, signal }) => call("GET", taskPath(id, `/progress?after=${after}&wait=${wait}`), { signal }),
  transcript: (id, { signal } = {}) => call("GET", taskPath(id, "/transcript?format=json"), { signal }),
  transcriptPath: (id, format) => taskPath(id, `/transcript?format=${format}`),
  exported: async (id, format) => (await fetched(api.transcriptPath(id, format))).blob(),
  cancel: (id) => call("POST", taskPath(id, "/cancel")),
  retry: (id) => call("POST", taskPath(id, "/retry")),
  remove: (id) => call("DELETE", taskPath(id)),
  transcribeUrl: (url, options, key) => call("POST", "/transcribe/url", { body: { url, ...options }, key }),
  engines: () => call("GET", "/health/engines"),

  /** Whether the server answers at all. */
  async reachable() {
    try {
      await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      return true;
    } catch {
      return false;
    }
  },
};
