// Owns recordings on their way. What was chosen together is announced as one Job, so that its Tasks are there at once; then two at a time
// are sent, in pieces that go on where they stopped. An upload has its Task's id: with the file at hand it goes on after anything.

import { Upload } from "../../vendor/tus.js";
import { newKey, problemOf } from "../api.js";
import { batch } from "../lib.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";
import { found, sorted } from "./files.js";
import { uploadTold } from "./upload-told.js";

const AT_ONCE = 2;
const PIECE = 8 * 2 ** 20;
const PATIENCE = [0, 1000, 3000];
const AGAIN = 5000;

/** What passes by itself: no server, another connection that sends the same, a server that has too much to do or restarts. */
const PASSING = [0, 423, 429, 503];
const passes = (/** @type {ProblemLike} */ { status = 0 }) => PASSING.includes(status);

/** @type {(app: Pick<AppLike, "api" | "model" | "scope" | "commands" | "toast">) => UploadsLike} */
export function uploadsOf({ api, model, scope, commands, toast }) {
  /** By Task. @type {Record<string, { file: File, sending?: Upload }>} */
  const parcels = {};
  let announcing = 0;

  const all = () => Object.values(model.state.uploads);
  function change(/** @type {string} */ id, /** @type {Partial<UploadState>} */ change) {
    if (!parcels[id]) return; // dropped, whatever still comes of it
    const upload = { ...model.state.uploads[id], ...change };
    model.dispatch({ type: "upload_changed", id, upload: { ...upload, told: uploadTold(upload) } });
  }

  function move(/** @type {string} */ id, /** @type {string} */ state, /** @type {ProblemLike | null} */ problem = null) {
    change(id, { state, problem });
    next();
  }

  function next() {
    const waiting = all().find(({ state }) => state === "waiting");
    if (waiting && all().filter(({ state }) => state === "sending").length < AT_ONCE) send(waiting.id);
  }

  /** The same key is the same Job: what a lost answer leaves in doubt is asked again. @type {(files: File[], options: object, tell: Tell, key?: string, again?: boolean) => Promise<void>} */
  async function announce(files, options, tell, key = newKey(), again = false) {
    const uploads = files.map(({ name, size, lastModified, webkitRelativePath: path }) => ({
      filename: name, size_bytes: size, modified: lastModified, relative_path: path || undefined,
    }));
    try {
      const job = await api.post("/jobs", { job_type: "process", uploads, ...options }, { key });
      batch(() => {
        commands.adopt(job);
        job.tasks.forEach((/** @type {WholeTask} */ { id }, /** @type {number} */ at) => uploading.goOn(id, files[at]));
      });
      tell();
    } catch (refusal) {
      const problem = /** @type {ProblemLike} */ (refusal);
      if (passes(problem)) {
        if (!again) tell(problem);
        await new Promise((done) => scope.after(AGAIN, () => done(null)));
        return announce(files, options, tell, key, true);
      }
      // Those that are not taken do not hold up the others.
      const { refused, rest } = sorted(files, problem);
      const told = { ...problem, message: [refused.map(({ name }) => name).join(", "), problem.message].filter(Boolean).join(": ") };
      if (refused.length && rest.length) await announce(rest, options, (...more) => tell(told, ...more));
      else tell(told);
    }
  }

  function send(/** @type {string} */ id) {
    const { file } = parcels[id];
    const sending = new Upload(file, {
      uploadUrl: `/uploads/${id}`,
      chunkSize: PIECE,
      retryDelays: PATIENCE,
      storeFingerprintForResuming: false,
      onProgress: (bytes) => change(id, { sent: bytes / file.size }),
      onAfterResponse: (_request, answer) => {
        if (answer.getStatus() === 200 && isOther(file, answer)) stop(id, { code: "other_file", status: 409, message: t("queue.other"), remedy: t("queue.other.remedy") });
      },
      onSuccess: () => move(id, "sent"),
      async onError(failure) {
        const answer = "originalResponse" in failure ? failure.originalResponse : null;
        stop(id, problemOf(answer?.getStatus() ?? 0, await new Response(answer?.getBody()).json().catch(() => null)));
      },
    });
    parcels[id].sending = sending;
    change(id, { state: "sending" });
    sending.start();
    next();
  }

  /** A line that broke is waited for; an answer that says no is told. */
  function stop(/** @type {string} */ id, /** @type {ProblemLike} */ problem) {
    parcels[id]?.sending?.abort();
    if (!passes(problem)) return move(id, "failed", problem);
    move(id, "interrupted");
    scope.after(AGAIN, () => model.upload(id).peek()?.state === "interrupted" && move(id, "waiting"));
  }

  /** @type {UploadsLike} */
  const uploading = {
    get busy() {
      const goesOn = (/** @type {TaskState | undefined} */ task) => task && !isFinished(task);
      return announcing > 0 || all().some(({ id, state }) => state !== "sent" && state !== "failed" && goesOn(model.state.tasks[id]));
    },
    async add(goods, options, tell) {
      announcing += 1;
      try {
        const { files, skipped } = await found(goods);
        if (skipped) toast(t("queue.skipped", { count: skipped }));
        if (files.length) await announce(files, options, tell);
      } catch (failure) {
        // What stood in a folder cannot be read, or is gone by now.
        tell({ code: null, message: t("queue.unreadable"), detail: String(failure) });
      } finally {
        announcing -= 1;
      }
    },
    goOn(id, file) {
      parcels[id]?.sending?.abort();
      parcels[id] = { file };
      change(id, { id, size: file.size, sent: 0, state: "waiting" });
      move(id, "waiting");
    },
    pause(id) {
      parcels[id].sending?.abort();
      move(id, "paused");
    },
    resume: (id) => move(id, "waiting"),
    drop(id) {
      parcels[id]?.sending?.abort();
      delete parcels[id];
      model.dispatch({ type: "upload_gone", id });
      next();
    },
  };
  return uploading;
}

/** Whether the server waits for another recording: pieces of two would make one that nobody recorded. An upload that has arrived no longer
 * expires, and no longer tells when its recording was made. @type {(file: File, answer: any) => boolean} */
const isOther = (file, answer) => {
  const told = answer.getHeader("Upload-Metadata") ?? "";
  return answer.getHeader("Upload-Length") !== `${file.size}` || (answer.getHeader("Upload-Expires") && !told.includes(btoa(`${file.lastModified}`)));
};
