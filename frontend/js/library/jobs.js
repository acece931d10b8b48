// Owns imports and exports: beginning an import, how far each is, what came of it.

import { useApp } from "../app.js";
import { html, useEffect, useSignal } from "../lib.js";
import { link } from "../route.js";
import { dateTime } from "../words.js";
import { button, filled, say, table } from "./parts.js";
import { Suggestions, useAsking, useReading } from "./reading.js";

const GOING = ["queued", "processing"];

export function Jobs() {
  const { api } = useApp();
  const turn = useSignal(1);
  const { ask, refused } = useAsking(() => turn.value++);
  return html`<form class="fields-row" onSubmit=${filled((data) => ask(() => api.post("/jobs", { job_type: "import", folder: data.get("folder") })))}>
      <label>${say("folder")}<input name="folder" required maxlength="4000" list="folders" /><${Suggestions} path="/import-folders" name="folders" /></label><button class="primary">${say("import")}</button></form>
    <p class="lib-note">${say("allowed")}</p>${refused}
    ${["import", "export"].map((kind) => html`<h2>${say(`${kind}s`)}</h2><${Errands} kind=${kind} turn=${turn.value} />`)}`;
}

/** @type {LibraryPart} */
function Errands({ kind, turn }) {
  const { api, confirm, scope } = useApp();
  const { items, load, foot } = useReading(`/jobs?job_type=${kind}`, "jobs", turn);
  const { ask, refused } = useAsking(load);
  useEffect(() => (items.some((job) => GOING.includes(job.status)) ? scope.after(1000, load) : undefined), [foot]);
  const act = (/** @type {string} */ word, /** @type {WholeJob} */ { id, created_at }) => button(word, () => ask(async () =>
    word !== "delete" ? api.post(`/jobs/${id}/${word}`) : (await confirm(say("forget"), { action: say("delete") })) && api.ask("DELETE", `/jobs/${id}`)), dateTime(created_at));
  return html`${refused}${table(`${kind}s`, {
    begun: ({ created_at, asked }) => html`${dateTime(created_at)} <small>${[asked?.folder, asked?.tag, asked?.formats?.join(", ")].filter(Boolean).join(" · ")}</small>`,
    progress: (job) => html`<progress aria-label=${say("progress")} value=${job.progress_total ? job.progress_current : undefined} max=${job.progress_total || 1} />
      ${say("done", { done: job.progress_current, count: job.progress_total })} · ${say(`status.${job.status}`)}`,
    result: (job) => html`${job.links.archive && html`<a href=${job.links.archive} download>${say("download")}</a>`}
      ${job.files.map((/** @type {LibraryFile} */ file) => html`<a href=${link(`/library/files/${file.id}`)}>${file.filename}</a> `)}<small class="reasons">${job.error_message}</small>`,
    manage: (job) => (GOING.includes(job.status) ? act("cancel", job) : html`${job.status !== "completed" && act("retry", job)}${act("delete", job)}`),
  }, items)}${foot}`;
}
