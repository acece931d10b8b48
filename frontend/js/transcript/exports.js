// Owns taking a transcript away: in which format, written how, with its first lines to see; as a file or as a copy.

import { useApp } from "../app.js";
import { copy } from "../clipboard.js";
import { html, useEffect, useSignal } from "../lib.js";
import { Dialog } from "../shell/dialog.js";
import { t } from "../words.js";

const PROSE = ["speakers", "timestamps"];
const SUBTITLES = ["speakers", "max_line_length", "max_lines", "max_cps"];
/** @type {Record<string, string[]>} */
const FORMATS = { txt: PROSE, docx: PROSE, md: PROSE, srt: SUBTITLES, vtt: SUBTITLES, csv: ["speakers"], tsv: [], json: [], verbose_json: [], diarized_json: ["speakers"] };
/** @type {Record<string, object>} */
const FIELDS = {
  speakers: { type: "checkbox", defaultChecked: true },
  timestamps: { type: "checkbox" },
  max_line_length: { type: "number", defaultValue: 42, min: 8, max: 120 },
  max_lines: { type: "number", defaultValue: 2, min: 1, max: 4 },
  max_cps: { type: "number", defaultValue: 20, min: 5, max: 100 },
};
const SHOWN = 1200;

/** What a form says, also of boxes that are not checked. @type {(form: any) => string} */
const said = ({ elements }) => `${new URLSearchParams([...elements].map(({ name, type, value, checked }) => [name, type === "checkbox" ? `${Number(checked)}` : value]))}`;

/** @type {DeskPart} */
export function ExportDialog({ id, close }) {
  const { api, toast } = useApp();
  const [format, query, preview] = [useSignal("txt"), useSignal("format=txt"), useSignal("")];
  const path = `/tasks/${id}/transcript?${query}`;
  const isText = format.value !== "docx";
  const read = async (/** @type {string} */ from) => (await api.ask("GET", from)).text();
  const copyText = () => read(path).then(copy).then((done) => toast(t(done ? "transcript.copied" : "transcript.not_copied")), ({ message }) => toast(message));
  const changed = (/** @type {any} */ { currentTarget: form }) => {
    format.value = form.elements.format.value;
    // Once the fields of this format are there.
    setTimeout(() => form.checkValidity() && (query.value = said(form)));
  };
  useEffect(() => {
    let wanted = true;
    read(path.replace("=docx", "=md")).then((text) => wanted && (preview.value = text.slice(0, SHOWN)), ({ message }) => (preview.value = message));
    return () => void (wanted = false);
  }, [path]);
  return html`<${Dialog} title=${t("transcript.export")} close=${close} class="export">
    <form onChange=${changed} onSubmit=${(event) => event.preventDefault()}>
      <label>${t("transcript.format")}
        <select name="format">${Object.keys(FORMATS).map((one) => html`<option value=${one}>${t(`transcript.format_${one}`)}</option>`)}</select>
      </label>
      <div class="export-options">
        ${FORMATS[format.value].map((name) => html`<label key=${name}><input name=${name} ...${FIELDS[name]} /> ${t(`transcript.${name}`)}</label>`)}
      </div>
    </form>
    <pre role="region" tabindex="0" aria-label=${t("transcript.preview")}>${preview}</pre>
    <div class="dialog-actions">
      ${isText && html`<button type="button" class="secondary" onClick=${copyText}>${t("transcript.copy")}</button>`}
      <a class="primary" href=${`${path}&download=1`} download>${t("transcript.download")}</a>
    </div>
  <//>`;
}
