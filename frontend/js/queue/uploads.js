// Owns recordings on their way. Each is announced at once, so that its Task is there; two at a time are sent, in pieces that go on
// where they stopped. An upload has its Task's id: with the file at hand it goes on after anything.

import { Upload } from "../../vendor/tus.js";
import { newKey, problemOf } from "../api.js";
import { t } from "../words.js";

const AT_ONCE = 2;
const PIECE = 8 * 2 ** 20;
const PATIENCE = [0, 1000, 3000];
const AGAIN = 5000;

/** @type {(app: Pick<AppLike, "api" | "model" | "scope" | "commands">) => UploadsLike} */
export function uploadsOf({ api, model, scope, commands }) {
  /** @type {Record<string, { file: File, options: Record<string, any>, sending?: Upload }>} */
  const parcels = {};
  const batches = JSON.parse(sessionStorage.getItem("batches") ?? "{}");

  const all = (state = "") => model.state.uploads.filter((one) => !state || one.state === state);

  const change = (/** @type {string} */ id, /** @type {Partial<UploadState>} */ change) => model.dispatch({ type: "upload_changed", id, change });

  function move(/** @type {string} */ id, /** @type {string} */ state, more = {}) {
    change(id, { ...more, state });
    const [fresh] = all("announcing").length ? [] : all("new").slice(-1);
    if (fresh) announce(fresh);
    const [waiting] = all("sending").length < AT_ONCE ? all("waiting").slice(-1) : [];
    if (waiting) send(waiting);
  }

  async function announce(/** @type {UploadState} */ { id, batch }) {
    change(id, { state: "announcing" });
    const { file, options } = parcels[id];
    const about = Object.entries({ filename: file.name, modified: file.lastModified, ...options }).map(([name, value]) => `${name} ${base64(value)}`);
    const headers = { "Tus-Resumable": "1.0.0", "Upload-Length": `${file.size}`, "Upload-Metadata": about.join() };
    try {
      const job = await api.post("/uploads", undefined, { key: id, headers });
      const taskId = job.tasks[0].id;
      if (batch) batches[taskId] = batch;
      sessionStorage.setItem("batches", JSON.stringify(batches));
      commands.adopt(job);
      move(id, "waiting", { taskId });
      if (!parcels[id]) commands.cancel(taskId);
    } catch (problem) {
      stop(id, /** @type {ProblemLike} */ (problem));
    }
  }

  function send(/** @type {UploadState} */ { id, taskId }) {
    const { file } = parcels[id];
    parcels[id].sending = new Upload(file, {
      uploadUrl: `/uploads/${taskId}`,
      chunkSize: PIECE,
      retryDelays: PATIENCE,
      storeFingerprintForResuming: false,
      onProgress: (bytes) => change(id, { sent: bytes / file.size }),
      onAfterResponse: (_request, answer) => {
        if (answer.getStatus() === 200 && isOther(file, answer)) stop(id, { code: "other_file", message: t("queue.other"), remedy: t("queue.other.remedy") });
      },
      onSuccess: () => move(id, "sent"),
      async onError(failure) {
        const answer = "originalResponse" in failure ? failure.originalResponse : null;
        stop(id, problemOf(answer?.getStatus() ?? 0, await new Response(answer?.getBody()).json().catch(() => null)));
      },
    });
    change(id, { state: "sending" });
    parcels[id].sending.start();
  }

  /** A line that broke is waited for; an answer that says no is told. */
  function stop(/** @type {string} */ id, /** @type {ProblemLike} */ problem) {
    parcels[id]?.sending?.abort();
    if (problem.status !== 0) return move(id, "failed", { problem });
    move(id, "interrupted");
    scope.after(AGAIN, () => all("interrupted").forEach(uploads.resume));
  }

  function add(/** @type {File} */ file, /** @type {Partial<UploadState>} */ known, options = {}) {
    const id = newKey();
    parcels[id] = { file, options };
    model.dispatch({ type: "upload_added", upload: { id, taskId: null, name: file.name, size: file.size, sent: 0, state: "new", problem: null, ...known } });
    move(id, known.taskId ? "waiting" : "new");
  }

  /** @type {UploadsLike} */
  const uploads = {
    batches,
    get busy() {
      return all().some(({ state }) => state !== "sent" && state !== "failed");
    },
    add(files, options) {
      const batch = files.length > 1 ? newKey() : "";
      for (const file of files) add(file, { batch }, options);
    },
    goOn(taskId, file) {
      for (const before of all()) if (before.taskId === taskId) uploads.drop(before.id);
      add(file, { taskId });
    },
    pause(id) {
      parcels[id].sending?.abort();
      move(id, "paused");
    },
    resume: ({ id, taskId }) => move(id, taskId ? "waiting" : "new", { problem: null }),
    drop(id) {
      parcels[id]?.sending?.abort();
      delete parcels[id];
      model.dispatch({ type: "upload_gone", id });
      move(id, "");
    },
  };
  return uploads;
}

/** Whether the server waits for another recording: pieces of two would make one that nobody recorded. @type {(file: File, answer: any) => boolean} */
const isOther = (file, answer) =>
  answer.getHeader("Upload-Length") !== `${file.size}` || !(answer.getHeader("Upload-Metadata") ?? "").includes(base64(file.lastModified));

const base64 = (/** @type {unknown} */ value) => btoa(String.fromCharCode(...new TextEncoder().encode(`${value}`)));
