// One app, with its keys.

import { api, path } from "./api.js";
import { date, h } from "./dom.js";
import { field, form } from "./form.js";
import { keysSection } from "./keys.js";
import { confirm, openDialog, say, upToApps } from "./ui.js";

export async function appView({ alias, go }) {
  const where = path`apps/${alias}`;
  const app = await api.get(where);
  const mayChange = app.role === "owner" || app.role === "full";
  return {
    title: app.name,
    node: h("section", {},
      upToApps(),
      h("h1", { tabindex: "-1" }, app.name),
      description(where, app, mayChange),
      h("dl", { class: "facts" },
        fact("Alias", h("code", {}, app.alias)), fact("Organization", app.org), fact("Owner", app.owner ?? "nobody"),
        fact("Your role", app.role), fact("Created", date(app.created_at))),
      h("nav", { class: "within", "aria-label": "Of this app" },
        mayChange && h("a", { href: `#/${where}/letters` }, "Letters"), h("a", { href: `#/${where}/mail` }, "How letters look")),
      mayChange
        ? await keysSection(where)
        : h("p", { class: "empty" }, "API keys are shown to admins of this app with the role full or owner."),
      app.role === "owner" && deletion(app, go)),
  };
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function description(where, app, mayChange) {
  const text = h("p", { class: "lead" }, app.description || "No description.");
  const edit = () => openDialog(`Edit “${app.name}”`, (close) => [form({
    submit: "Save", busy: "Saving …", cancel: close,
    fields: [field({ name: "description", label: "Description", optional: true, type: "textarea", value: app.description })],
    async action(answers) {
      Object.assign(app, await api.patch(where, answers));
      text.textContent = app.description || "No description.";
      close();
      say("Saved.");
    },
  })]);
  return h("div", { class: "described" }, text,
    mayChange && h("button", { type: "button", class: "link", "aria-label": "Edit description", onclick: edit }, "Edit"));
}

function deletion(app, go) {
  const ask = () => confirm({
    title: `Delete “${app.name}”?`,
    text: "All users, records, files and keys of this app go with it, at once. There is no way back.",
    submit: "Delete app",
    typed: app.alias,
    action: () => api.delete(path`apps/${app.alias}?confirm=${app.alias}`),
    done() {
      go("#/");
      say(`“${app.name}” is deleted.`);
    },
  });
  return h("section", { class: "danger-zone" },
    h("div", { class: "heading" },
      h("div", {}, h("h2", {}, "Delete this app"), h("p", { class: "muted" }, "With all its users, records, files and keys.")),
      h("button", { type: "button", class: "danger-quiet", onclick: ask }, "Delete app …")));
}
