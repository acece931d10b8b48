// Owns making elements. Text is only ever set as text: nothing here, or anywhere on the page, parses HTML.

/** An element with properties (`class`, `text`, `on`, attributes) and children; a false or null attribute is left out. */
export function h(tag, { class: className, text, on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [type, handler] of Object.entries(on)) element.addEventListener(type, handler);
  element.append(...children.filter((child) => child));
  return element;
}

/** A picture of the sprite in index.html; it repeats a text, so it is hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function button(text, picture, click, { class: className = "quiet", ...attributes } = {}) {
  return h("button", { type: "button", class: className, on: { click }, ...attributes }, icon(picture), h("span", { text }));
}

/** Sets a text only if it differs, so that selections and screen readers are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}
