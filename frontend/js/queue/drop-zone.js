// Owns every way in: files and folders dropped anywhere or chosen, addresses dropped, pasted or typed.

import { newKey } from "../api.js";
import { useApp } from "../app.js";
import { html, useEffect, useRef, useSignal } from "../lib.js";
import { ProblemBox } from "../shell/problem-box.js";
import { t } from "../words.js";
import { dropped, recordingsOf } from "./files.js";
import { options, OptionsForm } from "./options-form.js";

export function DropZone() {
  const { scope, uploads, toast } = useApp();
  const over = useSignal(0);
  const address = useSignal("");
  /** @type {(found: { files: File[], skipped?: number }) => void} */
  const take = ({ files, skipped }) => {
    if (skipped) toast(t("queue.skipped", { count: skipped }));
    uploads.add(files, options());
  };
  const offer = (/** @type {DataTransfer} */ goods) => {
    const text = goods.getData("text/plain").trim();
    if (goods.files.length) dropped(goods).then(take);
    else if (/^https?:\/\/\S+$/i.test(text)) {
      address.value = text;
      document.getElementById("url")?.focus();
    }
  };
  useEffect(() => {
    const own = scope.child();
    /** A drag enters and leaves every element on its way; only the balance tells whether it is over the page. @type {(type: string, depth: () => number) => void} */
    const drag = (type, depth) => void own.listen(window, type, (/** @type {any} */ event) => {
      if (!/Files|text\/uri-list/.test(event.dataTransfer.types.join())) return;
      event.preventDefault();
      over.value = depth();
      if (type === "drop") offer(event.dataTransfer);
    });
    drag("dragenter", () => over.value + 1);
    drag("dragleave", () => over.value - 1);
    drag("dragover", () => over.value);
    drag("drop", () => 0);
    own.listen(window, "paste", (/** @type {any} */ { target, clipboardData }) => target.closest?.("input, textarea, select") || offer(clipboardData));
    return () => own.dispose();
  }, []);
  return html`<section class="intake" aria-labelledby="intake-title">
    <div class="drop">
      <h2 class="intake-title" id="intake-title">${t("queue.title")}</h2>
      <p class="intake-words">${t("queue.promise")}</p>
      <div class="ways">
        <${Chooser} words="queue.choose" kind="primary" run=${(/** @type {File[]} */ files) => take({ files })} />
        <${Chooser} words="queue.choose_folder" kind="secondary" run=${(/** @type {File[]} */ files) => take(recordingsOf(files))} webkitdirectory />
      </div>
    </div>
    <${UrlForm} address=${address} /><${OptionsForm} />
    ${over.value > 0 && html`<div class="curtain"><p>${t("queue.drop")}</p></div>`}
  </section>`;
}

/** A button that opens the system's dialog for files. @type {QueuePart} */
function Chooser({ words, kind, run, ...rest }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = (/** @type {any} */ { target }) => {
    run([...target.files]);
    target.value = "";
  };
  return html`<button type="button" class=${kind} onClick=${() => input.current?.click()}>${t(words)}</button>
    <input type="file" multiple hidden ref=${input} onChange=${chosen} aria-label=${t(words)} ...${rest} />`;
}

/** @type {QueuePart} */
function UrlForm({ address }) {
  const { api, commands } = useApp();
  const problem = useSignal(/** @type {ProblemLike | null} */ (null));
  /** The same until the address was taken in: what a lost answer leaves in doubt can be sent again. */
  const key = useRef("");
  const typed = (/** @type {any} */ { target }) => {
    address.value = target.value;
    key.current = "";
  };
  const submitted = async (/** @type {Event} */ event) => {
    event.preventDefault();
    key.current ||= newKey();
    try {
      commands.adopt(await api.post("/transcribe/url", { url: address.value.trim(), ...options() }, { key: key.current }));
      address.value = key.current = "";
      problem.value = null;
    } catch (refusal) {
      problem.value = /** @type {ProblemLike} */ (refusal);
    }
  };
  return html`<form class="url-form" onSubmit=${submitted}>
    <div class="url-line">
      <input type="url" id="url" required maxlength="4000" pattern="https?://.+" value=${address.value} onInput=${typed}
        aria-label=${t("queue.address")} placeholder=${t("queue.address.hint")} title=${t("queue.address.rule")} />
      <button type="submit" class="secondary">${t("queue.fetch")}</button>
    </div>
    <${ProblemBox} problem=${problem.value} />
  </form>`;
}
