// Owns saying that a recording was here before: where the earlier transcript is, and how to have one made in any case.

import { useApp } from "../app.js";
import { html, useEffect, useSignal } from "../lib.js";
import { link } from "../route.js";
import { isFinished } from "../task.js";
import { t } from "../words.js";

/** A recording that this page sent is asked about once it is here. @type {QueuePart} */
export function Duplicate({ task, upload }) {
  const { api, commands } = useApp();
  const found = useSignal("");
  const { id, file_id: file, problem, reused_from: reused } = /** @type {StillTask} */ (task);
  const [, refusedFile, refusedFor] = (problem?.code === "duplicate_refused" && problem.detail?.match(/file (\S+), task (\S+)/)) || [];
  const here = upload.state === "sent" && !task?.arriving && !problem;
  const look = async () => {
    const { duplicates } = await api.get(`/files/${file}`);
    const pair = duplicates.find((/** @type {any} */ one) => one.file_id === file && one.match_type === "exact");
    if (pair) found.value = (await api.get(`/files/${pair.duplicate_of_id}`)).tasks.find(isFinished)?.id ?? "";
  };
  useEffect(() => void (here && look().catch(() => {})), [here]);
  const earlier = reused ?? refusedFor ?? found.value;
  if (!earlier) return null;
  const anyway = async () =>
    refusedFile ? commands.adopt(await api.post("/jobs", { files: [refusedFile], on_duplicate: "transcribe" })) : commands.retry(id, { from: "transcribing" });
  return html`<p class="note">${t(reused ? "queue.reused" : "queue.duplicate")}
    <a class="link" href=${link(`/tasks/${earlier}`)}>${t("queue.open_earlier")}</a>
    ${(reused || refusedFile) && html`<button type="button" class="link" onClick=${anyway}>${t("queue.anyway")}</button>`}
  </p>`;
}
