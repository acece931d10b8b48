// Owns taking a transcript away: in which format, written how, with its first lines to see; as a file or as a copy.

import { useApp } from "../app.js";
import { copy } from "../clipboard.js";
import { html, useEffect, useSignal } from "../lib.js";
import { Dialog } from "../shell/dialog.js";
import { t } from "../words.js";

const PROSE = ["speakers", "timestamps"];
const SUBTITLES = ["speakers", "max_line_length", "max_lines", "max_cps"];
const FORMATS = /** @type {Record<string, string[]>} */ ({
  txt: PROSE, docx: PROSE, md: PROSE, srt: SUBTITLES, vtt: SUBTITLES, csv: ["speakers"], tsv: [], json: [], verbose_json: [], diarized_json: ["speakers"],
});
const RANGES = /** @type {Record<string, [number, number, number]>} */ ({ max_line_length: [42, 8, 120], max_lines: [2, 1, 4], max_cps: [20, 5, 100] });
const SHOWN = 1200;

/** @param {{ id: string, close: () => void }} props */
export function ExportDialog({ id, close }) {
  const { api, toast } = useApp();
  const format = useSignal("txt");
  const chosen = useSignal(/** @type {Record<string, any>} */ ({ speakers: 1, timestamps: 0, max_line_length: 42, max_lines: 2, max_cps: 20 }));
  const preview = useSignal("");
  const path = (/** @type {string} */ wanted) => {
    const query = new URLSearchParams({ format: wanted });
    for (const name of FORMATS[format.value]) query.set(name, chosen.value[name]);
    return `/tasks/${id}/transcript?${query}`;
  };
  const whole = async (/** @type {string} */ wanted) => (await api.ask("GET", path(wanted))).text();
  const here = path(format.value);
  useEffect(() => {
    let wanted = true;
    whole(format.value === "docx" ? "md" : format.value).then((text) => wanted && (preview.value = text.slice(0, SHOWN)), ({ message }) => (preview.value = message));
    return () => void (wanted = false);
  }, [here]);
  const copyText = async () => toast(t((await copy(await whole(format.value))) ? "transcript.copied" : "transcript.not_copied"));
  const option = (/** @type {string} */ name) => {
    const set = (/** @type {any} */ value) => (chosen.value = { ...chosen.value, [name]: value });
    const range = RANGES[name];
    return html`<label key=${name}>
      ${range
        ? html`<input type="number" min=${range[1]} max=${range[2]} value=${chosen.value[name]} onChange=${({ target }) => target.checkValidity() && set(target.value)} />`
        : html`<input type="checkbox" checked=${chosen.value[name]} onChange=${({ target }) => set(Number(target.checked))} />`} ${t(`transcript.${name}`)}
    </label>`;
  };
  return html`<${Dialog} title=${t("transcript.export")} close=${close} class="export">
    <label>${t("transcript.format")}
      <select value=${format} onChange=${({ target }) => (format.value = target.value)}>
        ${Object.keys(FORMATS).map((one) => html`<option value=${one}>${t(`transcript.format_${one}`)}</option>`)}
      </select>
    </label>
    <div class="export-options">${FORMATS[format.value].map(option)}</div>
    <pre tabindex="0" aria-label=${t("transcript.preview")}>${preview}</pre>
    <div class="dialog-actions">
      ${format.value !== "docx" && html`<button type="button" class="secondary" onClick=${copyText}>${t("transcript.copy")}</button>`}
      <a class="primary" href=${`${here}&download=1`} download>${t("transcript.download")}</a>
    </div>
  <//>`;
}
