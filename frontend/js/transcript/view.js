// Owns the view of one transcript: which of its parts are there, and what it begins with.

import { useApp } from "../app.js";
import { html, useEffect, useMemo, useRef, useSignal } from "../lib.js";
import { ProblemBox } from "../shell/problem-box.js";
import { t } from "../words.js";
import { ConflictNotice } from "./conflict.js";
import { newDesk } from "./desk.js";
import { ExportDialog } from "./exports.js";
import { FindBar } from "./find-bar.js";
import { Head } from "./head.js";
import { keysOf } from "./keys.js";
import { Paper } from "./paper.js";
import { patient } from "./patient.js";
import { Player } from "./player.js";
import { SaveState } from "./save-state.js";
import { SegmentList } from "./segment-list.js";
import { SpeakersDialog } from "./speakers.js";

/** @type {Component} */
export function TranscriptView({ id }) {
  const app = useApp();
  const desk = useMemo(() => newDesk(app, id), [id]);
  const { player, query } = desk;
  const file = useSignal(/** @type {any} */ (null));
  const problem = useSignal(/** @type {ProblemLike | null} */ (null));
  const open = useSignal("");
  const task = desk.task.value;
  const had = useRef(false);
  had.current ||= Boolean(task);
  const fileId = task?.file_id;
  const { t: moment } = app.route.value.query;
  const readable = desk.readable.value;

  useEffect(() => {
    patient(desk.scope, () => app.commands.load(id).catch((refusal) => Promise.reject((problem.value = refusal))), () => {});
    desk.scope.own(app.shortcuts.add(keysOf(desk)));
    return () => desk.scope.dispose();
  }, [desk]);
  useEffect(() => {
    if (fileId && !task.uploading) patient(desk.scope, () => app.api.get(`/files/${fileId}`), (told) => (file.value = told));
  }, [fileId, task?.uploading, task?.status]);
  useEffect(() => {
    if (!moment || !readable) return;
    player.seek(Number(moment) || 0);
    desk.show(desk.place.value);
  }, [moment, readable]);

  if (!task) return problem.value ? html`<${ProblemBox} problem=${problem.value} />` : html`<p class="empty">${t(had.current ? "transcript.gone" : "transcript.loading")}</p>`;
  const length = task.duration_seconds ?? file.value?.duration_seconds;
  const close = () => (open.value = "");
  return html`<article class="transcript">
    <${Head} ...${{ desk, task, length }} file=${file.value} open=${(dialog) => (open.value = dialog)} />
    <div class="stick">
      <${ConflictNotice} desk=${desk} />
      ${file.value?.has_media && length ? html`<${Player} ...${{ desk, length }} file=${file.value} />` : html`<${SaveState} desk=${desk} />`}
      ${query.value !== null && html`<${FindBar} desk=${desk} />`}
    </div>
    <${SegmentList} desk=${desk} />
    <${Paper} desk=${desk} />
    ${open.value === "export" && html`<${ExportDialog} ...${{ id, close }} />`}
    ${open.value === "speakers" && html`<${SpeakersDialog} ...${{ desk, close }} />`}
  </article>`;
}
