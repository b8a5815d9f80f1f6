// All apps of the admin.

import { api, path } from "./api.js";
import { date, h } from "./dom.js";
import { field, form } from "./form.js";
import { listOf, openDialog } from "./ui.js";

export async function appsView({ go }) {
  const create = () => openDialog("New app", (close) => [form({
    submit: "Create app",
    busy: "Creating …",
    cancel: close,
    fields: [
      field({
        name: "name", label: "Name", also: ["alias"], autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        hint: "Part of the app's address, so it cannot be changed here later.",
      }),
      field({ name: "description", label: "Description", optional: true, type: "textarea" }),
    ],
    async action(answers) {
      const app = await api.post("apps", answers);
      close();
      go(path`#/apps/${app.alias}`);
    },
  })]);

  const { node } = await listOf({
    where: "apps", row: appRow, label: "Apps",
    empty: [
      h("h2", {}, "No apps yet"),
      h("p", {}, "An app is one tenant: users, records and keys of its own, apart from every other app on this server."),
    ],
  });
  return {
    title: "Apps",
    node: h("section", {},
      h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "Apps"),
        h("button", { type: "button", class: "primary", onclick: create }, "New app")),
      node),
  };
}

function appRow(app) {
  return h("li", { class: "card" },
    h("div", { class: "heading" },
      h("h2", {}, h("a", { class: "cover", href: path`#/apps/${app.alias}` }, app.name)),
      h("span", { class: "badge" }, app.role)),
    app.description && h("p", { class: "words" }, app.description),
    h("p", { class: "muted" }, app.org, " · created ", date(app.created_at)));
}
