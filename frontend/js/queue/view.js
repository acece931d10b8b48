// Owns the queue: the ways in, what is shown of it, batches, rows, and what is said while there is nothing.

import { useApp } from "../app.js";
import { html, useEffect, useMemo, useRef } from "../lib.js";
import { steady } from "../model.js";
import { link } from "../route.js";
import { t } from "../words.js";
import { arranged, batchesBefore, FILTERS, SORTS } from "./arranging.js";
import { DropZone } from "./drop-zone.js";
import { JobBar } from "./job-bar.js";
import { Choice, filled } from "./options-form.js";
import { TaskRow } from "./task-row.js";

export function QueueView() {
  const { model, uploads, route } = useApp();
  const { query } = route.value;
  const all = useMemo(() => listed(model, uploads.batches), []).value;
  const sent = useMemo(() => steady(() => model.uploads.value.flatMap(({ id, taskId }) => [id, taskId ?? ""])), []).value;
  const pending = sent.filter((_, at) => at % 2 === 0 && !sent[at + 1]);
  const shown = arranged(all, query);
  const heads = batchesBefore(shown, all);
  const older = model.total.value - Object.keys(model.state.tasks).length;
  // A recording that this page sends has one row all the way: its key is the upload's.
  const row = (id = "", uploadId = "") => html`<${TaskRow} key=${uploadId || id} id=${id} uploadId=${uploadId} />`;
  return html`<${DropZone} />
    <section class="work" aria-labelledby="work-title">
      <h2 class="visually-hidden" id="work-title">${t("queue.work")}</h2>
      ${all.length > 0 && html`<${Toolbar} />`}
      <ol class="tasks">
        ${pending.map((uploadId) => row("", uploadId))}
        ${shown.flatMap(({ id, batch }) => [
          heads.has(id) && html`<${JobBar} key=${batch} tasks=${heads.get(id)} />`,
          row(id, sent[sent.indexOf(id) - 1]),
        ])}
      </ol>
      ${model.listed.value && !shown.length && !pending.length && html`<p class="empty">${t(all.length ? "queue.none_match" : "queue.empty")}</p>`}
      ${older > 0 && html`<${More} key=${all.length} count=${older} eager=${!!(query.q || query.status || query.sort)} />`}
    </section>`;
}

/** Of each Task what the list depends on: progress changes none of it. @type {(model: ModelLike, batches: Record<string, string>) => ReadonlySignal<Listed[]>} */
function listed(model, batches) {
  /** @type {Record<string, ReadonlySignal<Listed>>} */
  const known = {};
  const about = (/** @type {string} */ id) => {
    const { filename, status, duration_seconds, job_id } = /** @type {TaskState} */ (model.task(id).value);
    return { id, filename, status, duration_seconds, job_id, batch: batches[id] ?? job_id };
  };
  return steady(() => model.order.value.map((id) => (known[id] ??= steady(() => about(id))).value));
}

/** What is chosen stands in the address, so that a reload keeps it; a letter typed is no place to go back to. */
function Toolbar() {
  const { query } = useApp().route.value;
  const changed = (/** @type {Event} */ event) => location.replace(link(`/?${new URLSearchParams(filled(event))}`));
  return html`<form class="toolbar" role="search" onInput=${changed} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <input type="search" name="q" value=${query.q ?? ""} placeholder=${t("queue.search")} aria-label=${t("queue.search")} />
    <${Choice} name="status" value=${query.status} of=${["", ...Object.keys(FILTERS)].map((one) => [one, t(`queue.filter.${one}`)])} />
    <${Choice} name="sort" value=${query.sort} of=${["", ...Object.keys(SORTS)].map((one) => [one, t(`queue.sort.${one}`)])} />
  </form>`;
}

/** Older Tasks are read when one comes to the end of the list; all of them (`eager`) when they are sorted or searched. @type {QueuePart} */
function More({ count, eager }) {
  const { commands } = useApp();
  const button = useRef(/** @type {any} */ (null));
  const more = () => void commands.more().catch(() => {});
  useEffect(() => {
    if (eager) return more();
    const end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && more());
    end.observe(button.current);
    return () => end.disconnect();
  }, [eager]);
  return html`<button type="button" class="secondary more" ref=${button} onClick=${more}>${t("queue.more", { count })}</button>`;
}
