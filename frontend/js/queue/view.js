// Owns the queue: the ways in, what is shown of it, Jobs, rows, and what is said while there is nothing.

import { useApp } from "../app.js";
import { html, useEffect, useMemo, useRef } from "../lib.js";
import { steady } from "../model.js";
import { link } from "../route.js";
import { t } from "../words.js";
import { Choice, filled } from "./choice.js";
import { DropZone } from "./drop-zone.js";
import { headsOf, JobBar } from "./job-bar.js";
import { TaskRow } from "./task-row.js";

/** What can be chosen, as the server calls it. @type {Record<string, Record<string, string>>} */
const CHOICES = {
  status: { open: "queued,downloading,processing", done: "completed,partial", failed: "failed", cancelled: "cancelled" },
  sort: { oldest: "created", name: "name", status: "status", length: "-duration" },
};

export function QueueView() {
  const { model, commands, route } = useApp();
  const { q = "", status = "", sort = "" } = route.value.query;
  const wish = Object.entries({ q: q.trim(), status: CHOICES.status[status], sort: CHOICES.sort[sort] });
  const all = useMemo(() => listed(model), []).value;
  const found = model.found.value;
  const shown = found?.flatMap((id) => all.find((task) => task.id === id) ?? []) ?? all;
  const heads = headsOf(shown, all);
  const older = model.older.value;
  useEffect(() => commands.list(wish.map(([name, value]) => value && `&${name}=${encodeURIComponent(value)}`).join("")));
  return html`<${DropZone} />
    <section class="work" aria-labelledby="work-title">
      <h2 class="visually-hidden" id="work-title">${t("queue.work")}</h2>
      ${(all.length > 0 || found) && html`<${Toolbar} />`}
      <ol class="tasks">
        ${shown.flatMap(({ id, job_id }) => [
          heads.has(id) && html`<${JobBar} key=${job_id} tasks=${heads.get(id)} partly=${!!found || (older > 0 && job_id === all.at(-1)?.job_id)} />`,
          html`<${TaskRow} key=${id} id=${id} />`,
        ])}
      </ol>
      ${model.listed.value && !shown.length && html`<p class="empty">${t(found ? "queue.none_match" : "queue.empty")}</p>`}
      ${older > 0 && html`<${More} key=${shown.length} count=${older} />`}
    </section>`;
}

/** Of each Task what the list depends on: progress changes none of it. */
function listed(/** @type {ModelLike} */ model) {
  /** @type {Record<string, ReadonlySignal<Listed>>} */
  const known = {};
  const about = (/** @type {string} */ id) => {
    const { status, job_id } = /** @type {TaskState} */ (model.task(id).value);
    return { id, status, job_id };
  };
  return steady(() => model.order.value.map((id) => (known[id] ??= steady(() => about(id))).value));
}

/** What is chosen stands in the address, so that a reload keeps it; a letter typed is no place to go back to. */
function Toolbar() {
  const { query } = useApp().route.value;
  const choices = Object.entries(CHOICES).map(
    ([name, own]) => html`<${Choice} key=${name} name=${name} value=${query[name]} of=${["", ...Object.keys(own)].map((one) => [one, t(`queue.${name}.by.${one}`)])} />`,
  );
  return html`<form class="toolbar" role="search" onSubmit=${(event) => event.preventDefault()}
    onInput=${(event) => location.replace(link(`/?${new URLSearchParams(filled(event))}`))}>
    <input type="search" name="q" value=${query.q ?? ""} placeholder=${t("queue.search")} aria-label=${t("queue.search")} />
    ${choices}
  </form>`;
}

/** Older Tasks are read when one comes to the end of the list. @type {QueuePart} */
function More({ count }) {
  const { commands } = useApp();
  const button = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && commands.more());
    end.observe(button.current);
    return () => end.disconnect();
  }, []);
  return html`<button type="button" class="secondary more" ref=${button} onClick=${commands.more}>${t("queue.more", { count })}</button>`;
}
