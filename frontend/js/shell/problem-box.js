// Owns how a failure is told: what went wrong, what to do, and the technical part folded away.

import { later } from "../later.js";
import { html, useSignal } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

const Details = later(async () => (await import("./problem-details.js")).ProblemDetails);

/** `more`: further facts as [name, value]. @type {ProblemPart} */
export function ProblemBox({ problem, more }) {
  const opened = useSignal(false);
  if (!problem) return null;
  return html`<div class="problem">
    <${Icon} name="alert" />
    <div class="problem-words">
      <p class="problem-message">${problem.message}</p>
      <p>${problem.remedy}</p>
      <details onToggle=${() => (opened.value = true)}>
        <summary>${t("shell.details")}</summary>
        ${opened.value && html`<${Details} problem=${problem} more=${more} />`}
      </details>
    </div>
  </div>`;
}
