// Elements out of values. Data becomes text or an attribute, never markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [kind, listener] of Object.entries(value)) {
        element.addEventListener(kind, listener);
      }
    } else {
      setAttribute(element, key, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Writes only what differs: a redraw that changes nothing costs nothing.
export function setAttribute(element, key, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(key)) element.removeAttribute(key);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(key) !== text) element.setAttribute(key, text);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// "11 %" stays on one line.
export function tight(words) {
  return String(words).replaceAll(/(\d) %/g, "$1\u00a0%");
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setProperty(element, key, value) {
  if (element.style.getPropertyValue(key) !== value) element.style.setProperty(key, value);
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return parent;
}

// Keeps as many children as there are items: rows are reused, made or dropped, then drawn.
export function keepRows(parent, items, makeRow, drawRow) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(makeRow(parent.children.length));
  items.forEach((item, index) => drawRow(parent.children[index], item, index));
}

export function actionButton(words, run, attributes = {}) {
  return make("button", { type: "button", ...attributes, on: { click: run } }, words);
}

const SVG = "http://www.w3.org/2000/svg";

export function vector(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, value);
  element.append(...children);
  return element;
}

// A file's name out of any words.
export const safeName = (words) =>
  words.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "").slice(0, 60) ||
  "kerascope";

// A file for the person who looks: made here, saved by the browser.
export function saveFile(title, text, kind) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = make("a", { href: address, download: title });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
