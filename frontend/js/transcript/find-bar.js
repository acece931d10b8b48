// Owns looking for words in this transcript; the browser's own search would see only the rows in sight.

import { html, useLayoutEffect, useRef } from "../lib.js";
import { link } from "../route.js";
import { t } from "../words.js";
import { Tool } from "./tool.js";

/** @type {DeskPart} */
export function FindBar({ desk: { query, matches, match, show } }) {
  const field = useRef(/** @type {any} */ (null));
  const count = matches.value.length;
  const step = (/** @type {number} */ by) => {
    if (!count) return;
    match.value = (match.value + by + count) % count;
    show(matches.value[match.value].place);
  };
  const close = () => (query.value = null);
  const type = (/** @type {any} */ { target }) => {
    [query.value, match.value] = [target.value, 0];
    if (matches.value[0]) show(matches.value[0].place);
  };
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    field.current.focus();
    field.current.select();
    return () => before?.focus({ preventScroll: true });
  }, []);
  return html`<search class="find">
    <input type="search" ref=${field} value=${query} aria-label=${t("transcript.find")} onInput=${type}
      onKeyDown=${({ key, shiftKey, isComposing }) => isComposing || (key === "Enter" ? step(shiftKey ? -1 : 1) : key === "Escape" && close())} />
    <span role="status">${query.value && t(count ? "transcript.match" : "transcript.no_match", { at: match.value + 1, of: count })}</span>
    <${Tool} name="previous" icon="up" run=${() => step(-1)} /><${Tool} name="next" icon="chevron" run=${() => step(1)} />
    <a class="link" href=${link(`/search?q=${encodeURIComponent(query.value ?? "")}`)}>${t("transcript.find_everywhere")}</a>
    <${Tool} name="close" run=${close} />
  </search>`;
}
