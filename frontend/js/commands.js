// Owns what a person can ask of Tasks and Jobs. That it happened arrives as an event; a refusal is shown where it was asked.

import { t } from "./words.js";

/** @type {(app: Pick<AppLike, "api" | "model" | "toast"> & { sync: SyncLike }) => CommandsLike} */
export function newCommands({ api, model: { dispatch, task }, sync, toast }) {
  /** @type {(id: string, what: string, body?: object) => Promise<void>} */
  const ask = (id, what, body) => {
    dispatch({ type: "asked", id, what });
    return api.post(`/tasks/${id}/${what}`, body).then(
      () => sync.load(id),
      (problem) => dispatch({ type: "refused", id, problem }),
    );
  };

  /** @type {(id: string, what: string) => Promise<void>} */
  const askJob = (id, what) => api.post(`/jobs/${id}/${what}`).then(sync.adopt, (problem) => toast(problem.message));

  /** The page may be closed meanwhile: `keepalive` lets the request outlive it. @type {(id: string) => Promise<void>} */
  const deleteNow = (id) =>
    api.ask("DELETE", `/tasks/${id}`, { keepalive: true }).then(
      () => dispatch({ type: "task_gone", id }),
      (problem) => {
        dispatch({ type: "task_shown", id });
        dispatch({ type: "refused", id, problem });
      },
    );

  return {
    cancel: (id) => ask(id, "cancel"),
    retry: (id, body) => ask(id, "retry", body),
    retrySpeakers: (id, options) => ask(id, "retry", { from: "diarizing", ...options }),
    remove(id) {
      dispatch({ type: "task_hidden", id });
      const undo = () => dispatch({ type: "task_shown", id });
      toast(t("shell.deleted", { name: task(id).peek()?.filename }), { undo, ended: () => deleteNow(id) });
    },
    cancelJob: (id) => askJob(id, "cancel"),
    retryJob: (id) => askJob(id, "retry"),
    adopt: sync.adopt,
    more: sync.more,
    load: sync.read,
  };
}
