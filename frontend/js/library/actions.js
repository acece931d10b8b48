// Owns what can be done with recordings: transcribe them again, export their transcripts, delete them.

import { useApp } from "../app.js";
import { html, useRef } from "../lib.js";
import { Options, options } from "../queue/options.js";
import { go } from "../route.js";
import { button, filled, say } from "./parts.js";
import { useAsking } from "./reading.js";

const FORMATS = ["txt", "docx", "md", "srt", "vtt", "csv", "tsv", "json"];

/** @type {LibraryPart} */
export function Actions({ files, done }) {
  const { api, commands, confirm } = useApp();
  const { ask, refused } = useAsking();
  const ids = files.map(({ id }) => id);
  const transcripts = files.flatMap(({ filename, tasks }) => tasks.map(({ id, status }, at) => ({ id, status, name: `${filename}, ${say("transcript", { count: at + 1 })}`, newest: !tasks[at + 1] })));
  const made = transcripts.filter(({ status }) => /completed|partial/.test(status));
  /** Of a recording that has several, the newest is what an export takes by itself. */
  const choosable = made.length > files.length;
  const gone = { count: ids.length, tasks: transcripts.length };
  /** Two clicks are one wish. */
  const begun = useRef(false);
  const begin = async (/** @type {any} */ body) => {
    if (begun.current) return;
    begun.current = true;
    await ask(async () => {
      commands.adopt(await api.post("/jobs", body));
      go(body.job_type ? "/library/jobs" : "/");
    });
    begun.current = false;
  };
  const remove = () => ask(async () => {
    if (!(await confirm(say("deleteQuestion", gone), { detail: say("deleteDetail", gone), action: say("delete") }))) return;
    for (const id of ids) await api.ask("DELETE", `/files/${id}`).catch((refusal) => {
      if (refusal.status === 404) return;
      if (files[1]) done();
      throw refusal;
    });
    done();
  });
  return html`<${Options} /><div class="fields-row">
    ${button("transcribe", () => begin({ files: ids, on_duplicate: "transcribe", ...options() }))}${button("delete", remove)}
    <details><summary>${say("export")}</summary>
      <form class="fields-row" onSubmit=${filled((data) => begin({ job_type: "export", ...(choosable ? { tasks: data.getAll("tasks") } : { files: ids }), formats: data.getAll("formats"), speakers: data.has("speakers") }))}>
        ${choosable && made.map(({ id, name, newest }) => html`<label key=${id}><input type="checkbox" name="tasks" value=${id} defaultChecked=${newest} />${name}</label>`)}
        ${FORMATS.map((format) => html`<label><input type="checkbox" name="formats" value=${format} defaultChecked=${format === "txt"} />${format}</label>`)}
        <label><input type="checkbox" name="speakers" defaultChecked />${say("speakers")}</label><button class="primary">${say("bundle")}</button>
      </form></details></div>${refused}`;
}
