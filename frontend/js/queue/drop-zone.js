// Owns every way in: files and folders dropped anywhere or chosen, addresses dropped, pasted or typed.

import { newKey } from "../api.js";
import { useApp } from "../app.js";
import { html, useEffect, useRef, useSignal } from "../lib.js";
import { ProblemBox } from "../shell/problem-box.js";
import { t } from "../words.js";
import { Options, options } from "./options.js";

export function DropZone() {
  const { scope, uploads, announce } = useApp();
  const over = useSignal(false);
  const address = useSignal("");
  const problems = useSignal(/** @type {ProblemLike[]} */ ([]));
  /** @type {Tell} */
  const tell = (...told) => {
    problems.value = told;
    for (const { message } of told) announce(message);
  };
  const take = (/** @type {File[]} */ files, /** @type {any[]} */ entries = []) => uploads((to) => to.add({ files, entries }, options(), tell));
  /** What was dropped is taken out at once: it is gone when the event is over. */
  const offer = (/** @type {DataTransfer} */ goods) => {
    const text = goods.getData("text/plain").trim();
    if (goods.files.length) take([...goods.files], [...goods.items].map((item) => item.webkitGetAsEntry()));
    else if (/^https?:\/\/\S+$/i.test(text)) {
      address.value = text;
      document.getElementById("url")?.focus();
    }
  };
  useEffect(() => {
    const own = scope.child();
    /** Whether the drag is over the page then; going from element to element is not leaving it. */
    const inside = { dragenter: true, dragover: true, dragleave: null, drop: false };
    for (const [type, so] of Object.entries(inside))
      own.listen(window, type, (event) => {
        if (!/Files|text\/uri-list/.test(event.dataTransfer.types.join())) return;
        event.preventDefault();
        over.value = so ?? event.relatedTarget !== null;
        if (type === "drop") offer(event.dataTransfer);
      });
    own.listen(window, "paste", ({ target, clipboardData }) => target.closest?.("input, textarea, select") || offer(clipboardData));
    return own.dispose;
  }, []);
  return html`<section class="intake" aria-labelledby="intake-title">
    <div class="drop">
      <h2 class="intake-title" id="intake-title">${t("queue.title")}</h2>
      <p class="intake-words">${t("queue.promise")}</p>
      <div class="ways">
        <${Chooser} words="queue.choose" kind="primary" run=${take} />
        <${Chooser} words="queue.choose_folder" kind="secondary" run=${take} webkitdirectory />
      </div>
    </div>
    <${UrlForm} address=${address} tell=${tell} />${problems.value.map((problem) => html`<${ProblemBox} problem=${problem} />`)}<${Options} />
    ${over.value && html`<div class="curtain"><p>${t("queue.drop")}</p></div>`}
  </section>`;
}

/** A button that opens the system's dialog for files. @type {QueuePart} */
function Chooser({ words, kind, run, ...rest }) {
  const input = useRef(/** @type {any} */ (null));
  return html`<button type="button" class=${kind} onClick=${() => input.current.click()}>${t(words)}</button>
    <input type="file" multiple hidden ref=${input} ...${rest} onChange=${() => {
      run([...input.current.files]);
      input.current.value = "";
    }} />`;
}

/** @type {QueuePart} */
function UrlForm({ address, tell }) {
  const { api, commands } = useApp();
  /** Kept until the address is in: after a lost answer it can be sent again. */
  const key = useRef("");
  const send = async () => {
    key.current ||= newKey();
    commands.adopt(await api.post("/transcribe/url", { url: address.value.trim(), ...options() }, { key: key.current }));
    address.value = key.current = "";
  };
  return html`<form class="url-form" onSubmit=${(event) => (event.preventDefault(), send().then(() => tell(), tell))}>
    <div class="url-line">
      <input type="url" id="url" required maxlength="4000" pattern="https?://.+" value=${address.value} aria-label=${t("queue.address")}
        placeholder=${t("queue.address.hint")} title=${t("queue.address.rule")} onInput=${({ target }) => {
          address.value = target.value;
          key.current = "";
        }} />
      <button type="submit" class="secondary">${t("queue.fetch")}</button>
    </div>
  </form>`;
}
