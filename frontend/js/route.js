// Owns where on the page a person is: the hash of the address, as a signal.

import { signal } from "./lib.js";

export function parsed(/** @type {string} */ hash) {
  const [path, query] = hash.replace(/^#?\/?/, "").split("?");
  return { path: `/${path}`, parts: path.split("/").filter(Boolean).map(decoded), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** What cannot be decoded is taken as it is: an address is something that people edit. */
function decoded(/** @type {string} */ part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal(parsed(""));

export const link = (/** @type {string} */ path) => `#${path}`;

export const go = (/** @type {string} */ path) => void (location.hash = path);

/** How far down each path was scrolled when it was left. @type {Record<string, number>} */
export const left = {};

export function followAddress(/** @type {ScopeLike} */ scope) {
  const read = () => {
    left[route.value.path] = scrollY;
    route.value = parsed(location.hash);
  };
  scope.listen(window, "hashchange", read);
  read();
}
