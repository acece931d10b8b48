export * from "preact";
export * from "preact/hooks";
export * from "@preact/signals";
export { default as htm } from "htm";
