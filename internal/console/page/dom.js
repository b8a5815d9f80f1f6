// Elements without markup.

// h makes an element. Properties named on… are listeners, true and false set and leave out an attribute,
// null and undefined leave it out. Strings among the children become text, whatever they contain.
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

let last = 0;

// newID names an element that another one refers to.
export function newID() {
  last += 1;
  return `id-${last}`;
}

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

const instants = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

// moment shows the day and the time of an RFC 3339 time.
export function moment(text) {
  return h("time", { datetime: text }, instants.format(new Date(text)));
}

// date shows the day of an RFC 3339 time; the tooltip has all of it.
export function date(text) {
  const moment = new Date(text);
  return h("time", { datetime: text, title: moments.format(moment) }, dates.format(moment));
}
