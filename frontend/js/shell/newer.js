// Owns noticing that a server of another release answers than the one that gave this page. That is said, not forced.

import { computed, effect, html, render, signal } from "../lib.js";
import { t } from "../words.js";

/** @type {(app: Pick<AppLike, "api" | "model" | "scope">) => void} */
export function noticeNewer({ api, model, scope }) {
  let first = "";
  const present = signal("");
  const live = computed(() => model.connection.value.state === "live");
  /** One that is gone again is asked when it is back. */
  const ask = () => api.get("/health").then(({ version }) => {
    first ||= version;
    present.value = version;
  }, () => {});
  const Newer = () => present.value !== first && html`<p class="newer" role="status">
    ${t("shell.newer", { version: present.value })} <button type="button" class="link" onClick=${() => location.reload()}>${t("shell.reload")}</button>
  </p>`;
  scope.own(effect(() => void (live.value && ask())));
  const place = document.createElement("div");
  document.body.prepend(place);
  render(html`<${Newer} />`, place);
}
