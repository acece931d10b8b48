// Owns what a screen reader is told: of Tasks and of the connection what is worth a sentence, at most one message every two seconds.

import { effect } from "../lib.js";
import { isFinished } from "../task.js";
import { percent, t } from "../words.js";

const PAUSE = 2_000;
const STEP = 25;

/** @type {(app: Pick<AppLike, "model" | "scope">) => AppLike["announce"]} */
export function announcer({ model, scope }) {
  /** @type {Map<string, string>} */
  const waiting = new Map();
  /** @type {Record<string, string>} */
  const before = {};
  /** @type {Record<string, TaskState>} */
  const seen = {};
  let pausing = false;
  const place = document.body.appendChild(document.createElement("p"));
  place.className = "visually-hidden";
  place.role = "status";

  /** What came up during the pause is said in one go, only the newest of each topic. */
  function speak() {
    if (pausing || !waiting.size) return;
    place.textContent = [...waiting.values()].slice(-3).join(" ");
    waiting.clear();
    pausing = true;
    scope.after(PAUSE, () => {
      pausing = false;
      speak();
    });
  }

  /** @type {AppLike["announce"]} */
  const announce = (text, topic = text) => {
    waiting.set(topic, text);
    speak();
  };

  /** Says what is new of a topic; what was so before anybody looked is not. @type {(topic: string, text: string, aloud?: boolean) => void} */
  const tell = (topic, text, aloud = topic in before) => {
    if (aloud && before[topic] !== text) announce(text, topic);
    before[topic] = text;
  };

  scope.own(effect(() => tell("", t(`shell.${model.connection.value.state}`))));
  scope.own(effect(() => {
    for (const id of model.order.value) {
      const task = model.task(id).value;
      if (!task || seen[id] === task) continue;
      seen[id] = task;
      const { filename: name, status, progress_percentage: far, stalled } = task;
      const step = status === "processing" && far >= STEP ? percent(far - (far % STEP)) : "";
      tell(id, t(`shell.told.${stalled ? "stalled" : status}`, { name, step }), id in before || !isFinished(task));
    }
  }));
  return announce;
}
