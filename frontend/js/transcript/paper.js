// Owns the transcript on paper, where nothing scrolls: all segments as plain paragraphs, there only while the page is printed.

import { html, useEffect, useRef } from "../lib.js";
import { clock } from "../words.js";

/** @type {DeskPart} */
export function Paper({ desk: { scope, segments } }) {
  const sheet = useRef(/** @type {any} */ (null));
  useEffect(() => {
    scope.listen(window, "beforeprint", () => sheet.current?.replaceChildren(...segments.value.map(asParagraph)));
    scope.listen(window, "afterprint", () => sheet.current?.replaceChildren());
  }, []);
  return html`<div class="paper" ref=${sheet} />`;
}

/** @type {(segment: Segment, at: number, all: Segment[]) => Node} */
function asParagraph({ start, speaker, text }, at, all) {
  const line = document.createElement("p");
  line.textContent = `${clock(start)}  ${speaker && speaker !== all[at - 1]?.speaker ? `${speaker}: ` : ""}${text}`;
  return line;
}
