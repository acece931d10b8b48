// Owns parsing a transcript beside the page, as a worker: ten hours of words come in slices that hold nobody up.

import { keyed } from "./document.js";

const SLICE = 250;

self.onmessage = async ({ data: path }) => {
  try {
    const answer = await fetch(path, { cache: "no-cache" });
    const { segments = [], ...rest } = await answer.json();
    const all = keyed(segments);
    for (let at = 0; at < all.length; at += SLICE) self.postMessage({ slice: all.slice(at, at + SLICE) });
    self.postMessage({ status: answer.status, rest });
  } catch (failure) {
    self.postMessage({ failure: String(failure) });
  }
};
