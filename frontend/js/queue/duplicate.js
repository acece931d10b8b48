// Owns saying that a recording was here before: where the earlier transcript is, and how to have one made in any case.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { link } from "../route.js";
import { t } from "../words.js";

/** @type {QueuePart} */
export function Duplicate({ task }) {
  const { api, commands, model } = useApp();
  const { id, problem, reused_from: reused, duplicate_of: older } = /** @type {StillTask} */ (task);
  const [, refused, refusedFor] = (problem?.code === "duplicate_refused" && problem.detail?.match(/file (\S+), task (\S+)/)) || [];
  const earlier = reused ?? refusedFor ?? older?.task_id;
  if (!earlier) return null;
  const again = () => api.post("/jobs", { ...task?.options, files: [refused], on_duplicate: "transcribe" });
  const anyway = () =>
    refused ? again().then(commands.adopt, (problem) => model.dispatch({ type: "refused", id, problem })) : commands.retry(id, { from: "transcribing" });
  return html`<p class="note">${t(reused ? "queue.reused" : "queue.duplicate")}
    <a class="link" href=${link(`/tasks/${earlier}`)}>${t("queue.open_earlier")}</a>
    ${(reused || refused) && html`<button type="button" class="link" onClick=${anyway}>${t("queue.anyway")}</button>`}
  </p>`;
}
