// Owns what can be done with recordings: transcribe them again, export their transcripts, delete them.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { go } from "../route.js";
import { button, filled, say } from "./parts.js";
import { useAsking } from "./reading.js";

const FORMATS = ["txt", "docx", "md", "srt", "vtt", "csv", "tsv", "json"];

/** @type {LibraryPart} */
export function Actions({ files, done }) {
  const { api, commands, confirm } = useApp();
  const { ask, refused } = useAsking();
  const ids = files.map(({ id }) => id);
  const gone = { count: ids.length, tasks: files.flatMap((file) => file.tasks).length };
  const begin = (/** @type {any} */ body) => ask(async () => {
    commands.adopt(await api.post("/jobs", { files: ids, ...body }));
    go(body.job_type ? "/library/jobs" : "/");
  });
  const remove = () => ask(async () => {
    if (!(await confirm(say("deleteQuestion", gone), { detail: say("deleteDetail", gone), action: say("delete") }))) return;
    for (const id of ids) await api.ask("DELETE", `/files/${id}`);
    done();
  });
  return html`<div class="fields-row">
    ${button("transcribe", () => begin({ on_duplicate: "transcribe" }))}${button("delete", remove)}
    <details><summary>${say("export")}</summary>
      <form class="fields-row" onSubmit=${filled((data) => begin({ job_type: "export", formats: data.getAll("formats"), speakers: data.has("speakers") }))}>
        ${FORMATS.map((format) => html`<label><input type="checkbox" name="formats" value=${format} defaultChecked=${format === "txt"} />${format}</label>`)}
        <label><input type="checkbox" name="speakers" defaultChecked />${say("speakers")}</label><button class="primary">${say("bundle")}</button>
      </form></details></div>${refused}`;
}
