// Owns the help on keyboard shortcuts: what holds now, and the switch that turns them off.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { t } from "../words.js";
import { Dialog } from "./dialog.js";

/** @type {(props: { close: () => void }) => VNode} */
export function Help({ close }) {
  const { enabled, list } = useApp().shortcuts;
  return html`<${Dialog} title=${t("shell.help")} close=${close}>
    <label class="check">
      <input type="checkbox" checked=${enabled} onChange=${() => void (enabled.value = !enabled.value)} />${t("shell.shortcuts")}
    </label>
    <dl class="keys">
      ${list.value.map(({ keys, words }) => html`<dt>${[keys].flat().map((key) => html`<kbd>${key.replace(" ", t("shell.space"))}</kbd> `)}</dt><dd>${t(words)}</dd>`)}
    </dl>
  <//>`;
}
