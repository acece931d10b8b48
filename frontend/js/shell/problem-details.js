// Owns the technical part of a failure, and having all of it on the clipboard.

import { copy } from "../clipboard.js";
import { html, useSignal } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

/** @type {(props: { problem: ProblemLike, more?: [string, string][] }) => VNode} */
export function ProblemDetails({ problem, more = [] }) {
  const copied = useSignal("copy");
  const { message, remedy, code, detail, requestId } = problem;
  const facts = [[t("shell.code"), code], [t("shell.detail"), detail], [t("shell.request"), requestId], ...more].filter(([, value]) => value);
  const text = [message, remedy, ...facts.map((fact) => fact.join(": "))].join("\n");
  const copyAll = async () => void (copied.value = (await copy(text)) ? "copied" : "copy.failed");
  return html`<dl class="problem-facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <button type="button" class="quiet" onClick=${copyAll}><${Icon} name="copy" />${t(`shell.${copied.value}`)}</button>`;
}
