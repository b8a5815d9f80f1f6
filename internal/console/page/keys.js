// The API keys of one app.

import { api } from "./api.js";
import { date, h } from "./dom.js";
import { choices, field, form } from "./form.js";
import { confirm, listOf, openDialog, say, secret } from "./ui.js";

// flags are what a key may do beyond the common, as the API names it and as people do.
const flags = [
  { value: "allow_user_create", label: "Sign users up", hint: "Clients with this key may create user accounts." },
  { value: "allow_group_create", label: "Create groups", hint: "Clients with this key may create groups of users." },
  { value: "allow_anonymous_read", label: "Read as any user", hint: "Reads what every signed-in user may read, without one." },
  { value: "ignore_acl", label: "Manage all data", hint: "Every user, record and file, whatever their permissions. For servers only." },
  { value: "master", label: "Master key", hint: "Everything in this app but its deletion. For servers only." },
];
const risky = ["ignore_acl", "master"];
const flagLabels = Object.fromEntries(flags.map(({ value, label }) => [value, label]));

const nameOf = (key) => key.name || `Key ${key.seq}`;

// fieldsOf ask for what may be said about a key.
const fieldsOf = ({ name, description, flags: chosen } = {}) => [
  field({ name: "name", label: "Name", hint: "Who will use it: “web site”, “nightly import”.", autocomplete: "off", value: name }),
  field({ name: "description", label: "Description", optional: true, type: "textarea", value: description }),
  choices({ name: "flags", legend: "This key may also", options: flags, chosen }),
];

// keysSection lists the keys of the app at `where` in the API.
export async function keysSection(where) {
  const { node, list } = await listOf({
    where: `${where}/keys`, label: "API keys", row: (key) => keyRow(where, key).node,
    empty: [h("h3", {}, "No keys yet"), h("p", {}, "A client of this app identifies itself by an API key. Create one for each kind of client.")],
  });
  const create = () => openDialog("New API key", (close) => [form({
    submit: "Create key", busy: "Creating …", cancel: close, fields: fieldsOf(),
    async action(answers) {
      const key = await api.post(`${where}/keys`, answers);
      const row = keyRow(where, key);
      list.append(row.node);
      close();
      row.secret.put(key.key);
      say(`“${nameOf(key)}” is created.`);
    },
  })]);
  return h("section", { "aria-labelledby": "keys" },
    h("div", { class: "heading" },
      h("h2", { tabindex: "-1", id: "keys" }, "API keys"),
      h("button", { type: "button", class: "primary", onclick: create }, "New key")),
    node);
}

// keyRow shows one key. Its secret is fetched only when somebody asks for it.
function keyRow(where, key) {
  const self = `${where}/keys/${key.seq}`;
  const name = nameOf(key);
  const hidden = secret(`secret of ${name}`, async () => (await api.get(self)).key);

  const edit = () => openDialog(`Edit “${name}”`, (close) => [form({
    submit: "Save", busy: "Saving …", cancel: close, fields: fieldsOf(key),
    async action(answers) {
      const row = keyRow(where, await api.patch(self, answers));
      close();
      node.replaceWith(row.node);
      row.focus();
      say("Saved.");
    },
  })]);
  const reset = () => confirm({
    title: `Reset “${name}”?`, submit: "Reset key",
    text: "It gets a new secret. Clients that have the old one are refused at once.",
    action: () => api.post(`${self}/reset`),
    done(fresh) {
      hidden.put(fresh.key);
      say(`“${name}” has a new secret.`);
    },
  });
  const remove = () => confirm({
    title: `Delete “${name}”?`, submit: "Delete key",
    text: "Clients that use it are refused at once. There is no way back.",
    action: () => api.delete(self),
    done() {
      node.remove();
      document.getElementById("keys").focus();
      say(`“${name}” is deleted.`);
    },
  });

  const action = (label, onclick, style = "link") => h("button", { type: "button", class: style, "aria-label": `${label} ${name}`, onclick }, label);
  const editButton = action("Edit", edit);
  const node = h("li", { class: "card" },
    h("div", { class: "heading" }, h("h3", {}, name), h("span", { class: "muted" }, date(key.created_at))),
    key.flags.length > 0 && h("ul", { class: "badges", "aria-label": "May also" },
      key.flags.map((flag) => h("li", { class: risky.includes(flag) ? "badge strong" : "badge" }, flagLabels[flag] ?? flag))),
    key.description && h("p", { class: "words" }, key.description),
    hidden.node,
    h("div", { class: "quiet-actions" }, editButton, action("Reset", reset), action("Delete", remove, "link danger-link")));
  return { node, secret: hidden, focus: () => editButton.focus() };
}
