// Owns the queue: the ways in, what is shown of it, Jobs, rows, and what is said while there is nothing.

import { useApp } from "../app.js";
import { html, useEffect, useMemo, useRef, useSignal } from "../lib.js";
import { steady } from "../model.js";
import { link } from "../route.js";
import { t } from "../words.js";
import { Choice, filled } from "./choice.js";
import { DropZone } from "./drop-zone.js";
import { headsOf, JobBar } from "./job-bar.js";
import { TaskRow } from "./task-row.js";

/** What can be chosen, as the server calls it. @type {Choices} */
const CHOICES = {
  status: { open: "queued,downloading,processing", done: "completed,partial", failed: "failed", cancelled: "cancelled" },
  sort: { oldest: "created", name: "name", status: "status", length: "-duration" },
};

const ROWS = 50;

export function QueueView() {
  const { model, commands, route } = useApp();
  const { q = "", status = "", sort = "" } = route.value.query;
  const wish = Object.entries({ q: q.trim(), status: CHOICES.status[status], sort: CHOICES.sort[sort] });
  const all = useMemo(() => listed(model), []).value;
  const found = model.found.value;
  const rows = useSignal(ROWS);
  const known = found?.flatMap((id) => all.find((task) => task.id === id) ?? []) ?? all;
  const shown = known.slice(0, rows.value);
  const heads = headsOf(shown, all);
  const older = model.older.value;
  const rest = older + known.length - shown.length;
  const more = () => (rows.value += ROWS) > known.length && older && commands.more();
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
      ${rest > 0 && html`<${More} key=${shown.length} ...${{ rest, more }} />`}
    </section>`;
}

/** Of each Task what the list depends on: progress changes none of it. */
function listed(/** @type {ModelLike} */ model) {
  /** @type {ListedById} */
  const known = {};
  /** @type {(task: any) => Listed} */
  const about = ({ id, status, job_id }) => ({ id, status, job_id });
  return steady(() => model.order.value.map((id) => (known[id] ??= steady(() => about(model.task(id).value))).value));
}

/** What is chosen stands in the address: a reload keeps it, a letter typed is no place to go back to. */
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

/** Older Tasks are drawn, or read, when one comes to the end of the list. @type {QueuePart} */
function More({ rest, more }) {
  const button = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && more());
    end.observe(button.current);
    return () => end.disconnect();
  }, []);
  return html`<button type="button" class="secondary more" ref=${button} onClick=${more}>${t("queue.more", { count: rest })}</button>`;
}
