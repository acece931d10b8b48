// Owns the head of a transcript: what it is of and who made it, what is wrong with it, what can be done with it.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { when } from "../library/parts.js";
import { link } from "../route.js";
import { Icon } from "../shell/icon.js";
import { ProblemBox } from "../shell/problem-box.js";
import { duration, languageName, percent, t } from "../words.js";
import { Tool } from "./tool.js";

/** @type {DeskPart} */
export function Head({ desk: { edits, editable, finished, player, query, readable, whole }, task, file, length, open }) {
  const { commands } = useApp();
  const tool = (/** @type {string} */ name, /** @type {string} */ icon, /** @type {() => void} */ run) => html`<${Tool} ...${{ name, icon, run }} shown />`;
  const missing = file && (file.has_media ? player.broken.value && "unplayable" : finished.value && readable.value && "no_media");
  const lost = (editable.value && edits.shown.value?.unplaced_edits) || 0;
  return html`<header class="transcript-head">
    <h2>${task.filename}</h2>
    <p class="transcript-facts">${factsOf(task, file, length)}</p>
    ${file && html`<p class="transcript-tags"><a class="link" href=${link(`/library/files/${file.id}`)}>${t("transcript.in_library")}</a>
      ${file.tags.map((/** @type {string} */ tag) => html`<a class="lib-tag" href=${link(`/library/files?tag=${encodeURIComponent(tag)}`)}>${tag}</a>`)}</p>`}
    ${task.warnings.map((/** @type {string} */ warning) => html`<div class="notice" key=${warning}><${Icon} name="alert" /><p>${warning}</p></div>`)}
    ${lost > 0 && html`<p class="notice">${t("transcript.unplaced", { count: lost })}</p>`}
    <${ProblemBox} problem=${task.problem} /><${ProblemBox} problem=${task.refusal} />
    ${missing && html`<p class="notice">${t(`transcript.${missing}`)}</p>`}
    ${task.status === "partial" && html`<div class="notice"><p>${t("transcript.partial")}</p>${tool("retry_speakers", "retry", () => task.asked || commands.retry(task.id, { from: "diarizing" }))}</div>`}
    ${/failed|cancelled/.test(task.status) && tool("retry", "retry", () => task.asked || commands.retry(task.id))}
    ${!finished.value && html`<${Progress} whole=${whole} />`}
    ${readable.value && html`<div class="transcript-tools">
      ${editable.value && html`<${Tool} name="undo" run=${edits.undo} off=${!edits.done.value.length} /><${Tool} name="redo" run=${edits.redo} off=${!edits.undone.value.length} />
        ${tool("speakers", "speakers", () => open("speakers"))}`}
      ${tool("find", "search", () => (query.value ??= ""))}
      ${tool("export", "download", () => open("export"))}
    </div>`}
  </header>`;
}

/** @type {Component} */
const Progress = ({ whole: { value } }) =>
  html`<p class="transcript-facts">${t(`transcript.stage_${value.progress_stage ?? "queued"}`)} ${percent(value.progress_percentage)}</p>`;

/** @type {(task: any, file: any, length: number) => string} */
function factsOf({ engine, model, detected_language: spoken }, file, length) {
  const time = file?.effective_timestamp;
  return [time?.value && t("transcript.recorded", { when: when(time) }), length && duration(length), engine, model, spoken && languageName(spoken)].filter(Boolean).join(" · ");
}
