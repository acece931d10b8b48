// Owns which third-party functions the page uses: everything vendored comes through here.

import { h, htm } from "../vendor/preact.js";

export { createContext, render, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "../vendor/preact.js";

/** @type {(strings: TemplateStringsArray, ...values: Hole[]) => VNode} */
export const html = /** @type {any} */ (htm.bind(h));
