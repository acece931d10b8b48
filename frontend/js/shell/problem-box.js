// Owns how a failure is told: what went wrong, what to do, and the technical part folded away.

import { copy } from "../clipboard.js";
import { html, useSignal } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

/** `more`: further facts as [name, value]. @type {(props: { problem: ProblemLike | null | undefined, more?: [string, string][] }) => VNode | null} */
export function ProblemBox({ problem, more = [] }) {
  const copied = useSignal("copy");
  if (!problem) return null;
  const { message, remedy, code, detail, requestId } = problem;
  const facts = [[t("shell.code"), code], [t("shell.detail"), detail], [t("shell.request"), requestId], ...more].filter(([, value]) => value);
  const text = [message, remedy, ...facts.map((fact) => fact.join(": "))].join("\n");
  const copyAll = async () => void (copied.value = (await copy(text)) ? "copied" : "copy.failed");
  return html`<div class="problem">
    <${Icon} name="alert" />
    <div class="problem-words">
      <p class="problem-message">${message}</p>
      <p>${remedy}</p>
      <details>
        <summary>${t("shell.details")}</summary>
        <dl class="problem-facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
        <button type="button" class="quiet" onClick=${copyAll}><${Icon} name="copy" />${t(`shell.${copied.value}`)}</button>
      </details>
    </div>
  </div>`;
}
