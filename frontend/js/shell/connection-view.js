// Owns the connection's state in the corner of the page: always there, in words, with the time of the last event.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { dateTime, t } from "../words.js";

/** The server says something every 30 s; a live connection that is silent for longer is not to be trusted. */
const STALE_AFTER = 40_000;

/** @type {Component} */
export function ConnectionView({ retry }) {
  const { model } = useApp();
  const now = model.now.value;
  const { state, retryAt, reason, lastEventAt } = model.connection.value;
  const shown = state === "live" && lastEventAt && now - lastEventAt > STALE_AFTER ? "stale" : state;
  const seconds = Math.ceil(((retryAt ?? 0) - now) / 1000);
  return html`<div class="connection" id="connection" data-state=${shown} title=${reason ?? t(`shell.${shown}.meaning`)}>
    ${seconds > 0 ? t(`shell.${shown}.soon`, { seconds }) : t(`shell.${shown}`)}
    ${lastEventAt && html`<span class="muted">${t("shell.heard", { time: dateTime(lastEventAt, { timeStyle: "medium" }) })}</span>`}
    ${retryAt && html`<button type="button" class="link" onClick=${retry}>${t("shell.again")}</button>`}
  </div>`;
}
