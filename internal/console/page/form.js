// Forms: fields that carry their own errors, and a submit that shows what the server says beside the field it is about.

import { h, newID } from "./dom.js";

// field is one labelled input. Type may be "textarea", or "select" with options of value and label. `also` names further fields of the API whose errors belong here.
export function field({ name, label, hint, optional, value = "", also = [], type = "text", options = [], ...attributes }) {
  const id = newID();
  const input = makers[type]?.({ id, name, ...attributes }, options) ?? h("input", { id, name, type, required: !optional, ...attributes });
  if (type !== "select") input.value = value;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const describedBy = [`${id}-error`];
  if (hint) describedBy.unshift(`${id}-hint`);
  input.setAttribute("aria-describedby", describedBy.join(" "));
  return {
    name,
    node: h("div", { class: "field" },
      h("div", { class: "label" }, h("label", { for: id }, label), optional && h("span", { class: "muted" }, "optional"),
        type === "password" && revealer(input)),
      hint && h("p", { class: "hint", id: `${id}-hint` }, hint), input, error),
    value: () => input.value,
    takes: (other) => other === name || also.includes(other),
    tell(text) {
      error.textContent = text;
      input.setAttribute("aria-invalid", String(text !== ""));
    },
    focus: () => input.focus(),
  };
}

// makers are the inputs that have an element of their own.
const makers = {
  textarea: (attributes) => h("textarea", { rows: 3, ...attributes }),
  select: (attributes, options) => h("select", attributes, options.map(({ value, label }) => h("option", { value }, label))),
};

// revealer shows what is being typed into a password field.
function revealer(input) {
  const button = h("button", {
    type: "button", class: "link", "aria-pressed": "false", "aria-controls": input.id,
    onclick() {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
      button.textContent = shown ? "Hide" : "Show";
    },
  }, "Show");
  return button;
}

// choices are check boxes under one legend; its value is the list of those chosen.
export function choices({ name, legend, options, chosen = [] }) {
  const boxes = options.map(({ value, label, hint }) => {
    const id = newID();
    const box = h("input", { type: "checkbox", id, value, checked: chosen.includes(value), "aria-describedby": `${id}-hint` });
    return { box, node: h("div", { class: "choice" }, box, h("label", { for: id }, label), h("p", { class: "hint", id: `${id}-hint` }, hint)) };
  });
  const error = h("p", { class: "field-error" });
  return {
    name,
    node: h("fieldset", {}, h("legend", {}, legend), boxes.map(({ node }) => node), error),
    value: () => boxes.map(({ box }) => box).filter((box) => box.checked).map((box) => box.value),
    takes: (other) => other === name,
    tell: (text) => { error.textContent = text; },
    focus: () => boxes[0].box.focus(),
  };
}

// form calls action with the values of its fields by name. What action throws is shown; while it runs, the button waits.
export function form({ fields = [], submit, busy = "One moment …", danger = false, cancel, action }) {
  const alert = h("p", { class: "alert", role: "alert" });
  const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, submit);
  let running = false;

  const show = (problem) => {
    const about = fields.find((f) => f.takes(problem.field));
    if (!about) {
      alert.textContent = problem.message;
      return;
    }
    about.tell(problem.message);
    about.focus();
  };

  const send = async () => {
    alert.textContent = "";
    fields.forEach((f) => f.tell(""));
    button.setAttribute("aria-disabled", "true");
    button.textContent = busy;
    try {
      await action(Object.fromEntries(fields.map((f) => [f.name, f.value()])));
    } catch (problem) {
      show(problem);
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = submit;
    }
  };

  return h("form", {
    async onsubmit(event) {
      event.preventDefault();
      if (running) return;
      running = true;
      await send();
      running = false;
    },
  }, fields.map((f) => f.node), alert,
  h("div", { class: "actions" }, button, cancel && h("button", { type: "button", onclick: cancel }, "Cancel")));
}
