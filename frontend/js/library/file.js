// Owns one recording: playing it, everything known of it, and setting that right.

import { useApp } from "../app.js";
import { html } from "../lib.js";
import { go, link } from "../route.js";
import { dateTime } from "../words.js";
import { Actions } from "./actions.js";
import { Decisions } from "./decisions.js";
import { links } from "./files.js";
import { button, facts, filled, measures, recorded, say, table, when } from "./parts.js";
import { Suggestions, useAsking, useReading } from "./reading.js";

/** @type {LibraryPart} */
export function OneFile({ id }) {
  const { body: file, load, foot } = useReading(`/files/${id}`);
  const { api } = useApp();
  const { ask, decide, refused } = useAsking(load);
  if (!file) return foot;
  const { effective_timestamp: time, tags } = file;
  const date = (/** @type {any} */ value) => decide(id, "timestamp_override", value);
  /** To the tags that there are by then, which may be others' too. */
  const tagged = (/** @type {(tags: string[]) => any[]} */ change) => ask(async () => {
    const { tags: present } = await api.get(`/files/${id}`);
    await api.post(`/files/${id}/decisions`, { decision_type: "tag_assignment", decision_value: change(present) });
  });
  return html`<h2>${file.filename}</h2>
    ${file.has_media ? html`<audio controls preload="none" src=${file.links.media} aria-label=${file.filename} />` : html`<p>${say("gone")}</p>`}
    ${facts({
      when: () => recorded(time), ...measures, arrival: () => dateTime(file.created_at), transcripts: links.transcripts,
      duplicates: () => html`<a href=${link("/library/duplicates")}>${say("copies", { count: file.duplicates.length })}</a>`,
      tags: () => html`${tags.map((/** @type {string} */ tag) => html`<span key=${tag}>${links.tags({ tags: [tag] }, 0)}${button("untag", () => tagged((all) => all.filter((one) => one !== tag)), tag)} </span>`)}
        <form class="fields-row" onSubmit=${filled((data, form) => (tagged((all) => [...all, data.get("tag")]), form.reset()))}>
          <label>${say("tag")}<input name="tag" required maxlength="50" list="tags" /><${Suggestions} path="/tags" name="tags" /></label><button class="secondary">${say("addTag")}</button></form>`,
    }, file)}
    ${refused}
    <details><summary>${say("candidates")}</summary>${table("candidates", {
      when,
      source: (one) => say(`source.${one.source}`),
      raw: (one) => `${one.where} ${one.raw}`,
      belief: (one) => say(one.chosen ? "believed" : one.plausible ? "possible" : "impossible"),
      correct: (one) => button("take", () => date(one.value), when(one)),
    }, file.timestamp_candidates)}
      <form class="fields-row" onSubmit=${filled((data) => date(new Date(data.get("time")).toISOString()))}>
        <label>${say("correct")}<input type="datetime-local" name="time" step="1" max="9999-12-31T23:59:59" required /></label><button class="secondary">${say("set")}</button>
        ${time.source === "user" && button("takeBack", () => date(null))}</form></details>
    <${Decisions} file=${file} done=${load} /><${Actions} files=${[file]} done=${() => go("/library/files")} />`;
}
