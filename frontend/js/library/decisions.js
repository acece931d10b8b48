// Owns what was decided about a file: readable, and each decision to be taken back by a later one.

import { html, useSignal } from "../lib.js";
import { dateTime } from "../words.js";
import { button, say, table } from "./parts.js";
import { useAsking, useReading } from "./reading.js";

/** @type {Lib["topic"]} */
const topic = (ruling) => ruling.decision_type.replace("discard", "keep");

/** @type {Lib["topic"]} */
const told = ({ decision_type, decision_value }) => JSON.stringify([decision_type, decision_value]);

/** @type {Lib["undoing"]} */
export function undoing(all, at) {
  const about = topic(all[at]);
  const same = all.filter((ruling) => topic(ruling) === about);
  const before = same[same.indexOf(all[at]) - 1] ?? { decision_type: about, decision_value: about === "tag_assignment" ? [] : null };
  return told(before) === told(same[same.length - 1]) ? undefined : before;
}

/** @type {Lib["topic"]} */
const said = ({ decision_type: type, decision_value: value }) =>
  say(value?.length ? type : `${type}.none`, { value: type === "timestamp_override" && value ? dateTime(value) : [value].flat().join(", ") });

/** @type {LibraryPart} */
export function Decisions({ file, done }) {
  const open = useSignal(false);
  const { items, foot } = useReading(open.value ? `/files/${file.id}/decisions?` : "", "decisions", file);
  const { decide, refused } = useAsking(done);
  return html`<details onToggle=${() => (open.value = true)}><summary>${say("decisions")}</summary>${refused}${table("decisions", {
    decided: (ruling) => dateTime(ruling.decided_at),
    decision: said,
    undo: (ruling, at, before = undoing(items, at)) => before && button("undo", () => decide(file.id, before.decision_type, before.decision_value), said(ruling)),
  }, items)}${foot}</details>`;
}
