// Owns sending recordings: two at a time, each with its progress, each safe to send again.

import { newKey, problemOf, unreachable } from "./api.js";

const AT_ONCE = 2;

/** `accepted(job)` is called with every Job that the server took in. */
export class Uploads {
  #parcels = new Map();
  #sending = new Map();

  constructor({ dispatch, accepted }) {
    this.dispatch = dispatch;
    this.accepted = accepted;
  }

  get busy() {
    return this.#sending.size > 0;
  }

  add(files, options) {
    for (const file of files) {
      const id = newKey();
      this.#parcels.set(id, { file, options, key: newKey(), state: "waiting" });
      this.dispatch({ type: "upload_added", upload: { id, name: file.name, size: file.size, sent: 0, state: "waiting", problem: null } });
    }
    this.#next();
  }

  cancel(id) {
    this.#sending.get(id)?.abort();
    this.#sending.delete(id);
    this.#parcels.delete(id);
    this.dispatch({ type: "upload_gone", id });
    this.#next();
  }

  retry(id) {
    if (!this.#parcels.has(id)) return;
    this.#set(id, "waiting", { sent: 0, problem: null });
    this.#next();
  }

  /** Sends again what a lost connection cut off; the key makes sure that no second Job comes of it. */
  retryInterrupted() {
    for (const [id, parcel] of this.#parcels) if (parcel.state === "interrupted") this.retry(id);
  }

  #next() {
    for (const [id, parcel] of this.#parcels) {
      if (this.#sending.size >= AT_ONCE) return;
      if (parcel.state === "waiting") this.#send(id, parcel);
    }
  }

  #send(id, { file, options, key }) {
    const request = new XMLHttpRequest();
    this.#sending.set(id, request);
    this.#set(id, "sending");
    request.upload.addEventListener("progress", ({ loaded, total }) => this.#set(id, "sending", { sent: total ? loaded / total : 0 }));
    request.upload.addEventListener("load", () => this.#set(id, "checking", { sent: 1 }));
    request.addEventListener("load", () => this.#answered(id, request));
    request.addEventListener("error", () => this.#failed(id, "interrupted", cutOff()));
    request.open("POST", "/transcribe");
    request.setRequestHeader("Idempotency-Key", key);
    request.responseType = "json";
    request.send(formOf(file, options));
  }

  #answered(id, request) {
    if (request.status !== 202) return this.#failed(id, "failed", problemOf(request.status, request.response));
    this.#sending.delete(id);
    this.#parcels.delete(id);
    this.accepted(request.response);
    this.dispatch({ type: "upload_gone", id });
    this.#next();
  }

  #failed(id, state, problem) {
    this.#sending.delete(id);
    this.#set(id, state, { problem });
    this.#next();
  }

  #set(id, state, change = {}) {
    const parcel = this.#parcels.get(id);
    if (!parcel) return;
    parcel.state = state;
    this.dispatch({ type: "upload_changed", id, change: { state, ...change } });
  }
}

const cutOff = () => unreachable("The connection broke during the upload.", "The recording is sent again by itself when the server is back.");

function formOf(file, options) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append("modified", file.lastModified);
  form.append("files", file, file.name);
  return form;
}
