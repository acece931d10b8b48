// Owns the help on keyboard shortcuts: what holds now, and the switch that turns them off.

import { useApp } from "../app.js";
import { html, useEffect, useSignal } from "../lib.js";
import { t } from "../words.js";
import { Dialog } from "./dialog.js";
import { IconButton } from "./icon.js";

export function Help() {
  const { enabled, list, add } = useApp().shortcuts;
  const open = useSignal(false);
  const show = () => void (open.value = true);
  useEffect(() => add([{ keys: "?", words: "shell.help", run: show }]), []);
  return html`<${IconButton} name="keyboard" label=${t("shell.help")} onClick=${show} />
    ${open.value && html`<${Dialog} title=${t("shell.help")} close=${() => void (open.value = false)}>
      <label class="check">
        <input type="checkbox" checked=${enabled} onChange=${() => void (enabled.value = !enabled.value)} />${t("shell.shortcuts")}
      </label>
      <dl class="keys">
        ${list.value.map(({ keys, words }) => html`<dt>${[keys].flat().map((key) => html`<kbd>${key.replace(" ", t("shell.space"))}</kbd> `)}</dt><dd>${t(words)}</dd>`)}
      </dl>
    <//>`}`;
}
