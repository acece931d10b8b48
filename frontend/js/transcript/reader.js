// Owns parsing a transcript beside the page, as a worker: ten hours of words come in slices that hold nobody up.

import { keyed } from "./document.js";

self.onmessage = async ({ data: path }) => {
  try {
    const answer = await fetch(path, { cache: "no-cache" });
    const { segments: plain = [], ...rest } = await answer.json();
    const segments = keyed(plain);
    for (let at = 0; at < segments.length; at += 250) self.postMessage({ slice: segments.slice(at, at + 250) });
    self.postMessage({ status: answer.status, rest });
  } catch (failure) {
    self.postMessage({ failure: String(failure) });
  }
};
