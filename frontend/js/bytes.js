// Owns how a size is written: no more exact than anybody needs.

import { measure } from "./words.js";

const UNITS = ["kilobyte", "megabyte", "gigabyte"];

/** @type {ToText} */
export function bytes(count) {
  const step = count < 1e6 ? 0 : count < 1e9 ? 1 : 2;
  const value = count / 1000 ** (step + 1);
  return measure(value, UNITS[step], value < 10 ? 1 : 0);
}
