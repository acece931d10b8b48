// Owns what a row says of a recording on its way.

import { bytes } from "../bytes.js";
import { percent, t } from "../words.js";

/** @returns {Told} */
export const uploadTold = (/** @type {Pick<UploadState, "state" | "sent" | "size">} */ { state, sent, size }) => ({
  value: sent * 100,
  words: {
    doing: t(`queue.upload.${state}`),
    percent: percent(Math.floor(sent * 100)),
    bytes: t("queue.of", { done: bytes(sent * size), all: bytes(size) }),
  },
});
