// Owns saying which engine wrote a transcript, and what to expect of it.

import { h } from "./dom.js";

const SMALL = "Written by PocketSphinx, the small built-in engine: expect more wrong words.";

export class EngineNote {
  #lines = h("div", { class: "note-lines" });
  #text = null;
  element = h("div", { class: "note", hidden: true }, this.#lines);

  show(task, engines) {
    const sentences = task.segments.length || task.text ? sentencesFor(task, engines) : task.warnings;
    const text = sentences.join("\n");
    this.element.hidden = text === "";
    if (text === this.#text) return;
    this.#text = text;
    this.#lines.replaceChildren(...sentences.map((sentence) => h("p", { text: sentence })));
  }
}

function sentencesFor(task, engines) {
  if (task.engine !== "pocketsphinx") return task.warnings;
  return [`${SMALL} ${betterWith(engines)}`, ...task.warnings];
}

function betterWith(engines) {
  const whisperx = engines?.engines.find((engine) => engine.name === "whisperx");
  if (!whisperx) return "WhisperX hears far better.";
  if (whisperx.usable) return "WhisperX hears far better: choose it under Options and send the recording again.";
  return ["WhisperX hears far better.", sentence(whisperx.remedy ?? whisperx.why)].filter(Boolean).join(" ");
}

const sentence = (text) => (text && !/[.!?]$/.test(text) ? `${text}.` : text);
