// Owns what a person can ask of Tasks and Jobs. That it happened arrives as an event; a refusal is shown where it was asked.

import { t } from "./words.js";

/** @type {NewCommands} */
export function newCommands({ api, model: { dispatch, task }, sync, toast }) {
  const { adopt, whole, list, more, watch, load, read } = sync;
  /** @type {CommandsLike["retry"]} */
  const ask = (id, body, what = "retry") => {
    dispatch({ type: "asked", id, what });
    return api.post(`/tasks/${id}/${what}`, body).then(() => load(id), (problem) => dispatch({ type: "refused", id, problem }));
  };

  return {
    cancel: (id) => ask(id, undefined, "cancel"),
    retry: ask,
    askJob: (id, what) => api.post(`/jobs/${id}/${what}`).then(adopt, (problem) => toast(problem.message)),
    remove(id) {
      const undo = () => dispatch({ type: "task_shown", id });
      // The page may be closed meanwhile: `keepalive` lets the request outlive it.
      const ended = () =>
        api.ask("DELETE", `/tasks/${id}`, { keepalive: true }).then(
          () => dispatch({ type: "task_gone", id }),
          (problem) => {
            undo();
            dispatch({ type: "refused", id, problem });
          },
        );
      dispatch({ type: "task_hidden", id });
      toast(t("shell.deleted", { name: task(id).peek()?.filename }), { undo, ended });
    },
    adopt,
    whole,
    list,
    more,
    watch,
    load: read,
  };
}
