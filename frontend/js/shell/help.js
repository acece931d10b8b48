// Owns the help on keyboard shortcuts: what holds now, and the switch that turns them off.

import { html, render, signal } from "../lib.js";
import { t } from "../words.js";
import { Dialog } from "./dialog.js";

/** What opens it, also by its own key. @type {(app: Pick<AppLike, "shortcuts">) => AppLike["help"]} */
export function helper({ shortcuts }) {
  const opened = signal(false);
  const { enabled, list, add } = shortcuts;
  const Help = () => opened.value && html`<${Dialog} title=${t("shell.help")} close=${() => (opened.value = false)}>
    <label class="check">
      <input type="checkbox" checked=${enabled} onChange=${() => void (enabled.value = !enabled.value)} />${t("shell.shortcuts")}
    </label>
    <dl class="keys">
      ${list.value.map(({ keys, words }) => html`<dt>${[keys].flat().map((key) => html`<kbd>${key.replace(" ", t("shell.space"))}</kbd> `)}</dt><dd>${t(words)}</dd>`)}
    </dl>
  <//>`;
  const open = () => void (opened.value = true);
  add([{ keys: "?", words: "shell.help", run: open }]);
  render(html`<${Help} />`, document.body.appendChild(document.createElement("div")));
  return open;
}
