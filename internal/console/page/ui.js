// What several views show alike.

import { api } from "./api.js";
import { h, newID } from "./dom.js";
import { field, form } from "./form.js";

const status = document.getElementById("status");
let clearing = 0;

// say tells what was done, on the screen and to a screen reader.
export function say(text) {
  clearTimeout(clearing);
  status.textContent = text;
  clearing = setTimeout(() => { status.textContent = ""; }, 6000);
}

// openDialog shows content over the page; Escape and close() end it, and the focus goes back to where it was.
export function openDialog(title, makeContent) {
  const id = newID();
  const dialog = h("dialog", { "aria-labelledby": id, onclose: () => dialog.remove() }, h("h2", { id }, title));
  dialog.append(...makeContent(() => dialog.close()));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// confirm asks before something that cannot be taken back. With `typed` that text has to be repeated first.
// done gets what action gave, once the page behind can be focused again.
export function confirm({ title, text, submit, typed, action, done }) {
  openDialog(title, (close) => {
    const again = field({ name: "confirm", label: `Type ${typed} to confirm`, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    return [
      h("p", {}, text),
      form({
        fields: typed ? [again] : [], submit, danger: true, cancel: close,
        async action(values) {
          if (typed && values.confirm !== typed) {
            again.tell("This is not the same.");
            again.focus();
            return;
          }
          const result = await action();
          close();
          done(result);
        },
      }),
    ];
  });
}

// secret is a concealed text that can be shown and copied. load fetches it when it is first needed.
export function secret(label, load) {
  const concealed = "•".repeat(24);
  const shown = h("code", { class: "secret", tabindex: "0", "aria-label": `${label}, hidden` }, concealed);
  const toggle = h("button", { type: "button", "aria-label": `Show ${label}` }, "Show");
  const copy = h("button", { type: "button", "aria-label": `Copy ${label}` }, "Copy");
  let text = null;

  const reveal = (visible) => {
    shown.textContent = visible ? text : concealed;
    shown.setAttribute("aria-label", visible ? label : `${label}, hidden`);
    toggle.textContent = visible ? "Hide" : "Show";
    toggle.setAttribute("aria-label", `${visible ? "Hide" : "Show"} ${label}`);
  };
  const fetched = (then) => async () => {
    try {
      text ??= await load();
      await then();
    } catch (problem) {
      say(problem.message);
    }
  };
  toggle.addEventListener("click", fetched(() => reveal(shown.textContent !== text)));
  copy.addEventListener("click", fetched(async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied.");
    } catch {
      reveal(true); // without TLS, browsers keep the clipboard to themselves
      getSelection().selectAllChildren(shown);
      say("The browser does not let this page copy. The text is selected: copy it with the keyboard.");
    }
  }));
  return {
    node: h("div", { class: "secret-row" }, shown, toggle, copy),
    // put replaces the text and shows it.
    put(next) {
      text = next;
      reveal(true);
      copy.focus();
    },
  };
}

// listOf shows all that the API lists at `where`, a row for each; `empty` is shown while there is none.
export async function listOf({ where, row, empty, label }) {
  const list = h("ul", { class: "cards", "aria-label": label });
  for (let after = 0; after != null;) {
    const page = await api.get(`${where}?limit=200&after=${after}`);
    list.append(...page.items.map(row));
    after = page.next;
  }
  return { list, node: h("div", {}, list, h("div", { class: "empty" }, empty)) };
}

// upTo leads back to where a view belongs.
export function upTo(href, name) {
  return h("nav", { class: "up", "aria-label": "Up" }, h("a", { href }, `← ${name}`));
}

// upToApps leads back to the list.
export function upToApps() {
  return upTo("#/", "Apps");
}

// note is a quiet remark.
export function note(text) {
  return h("p", { class: "note" }, text);
}

// inMemory says where the account key is kept.
export const inMemory = "Your account key stays in the memory of this page. Reload or close it, and you sign in again.";
