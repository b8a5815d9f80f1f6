// The first start: the first admin is made by the ticket of the setup link.

import { api } from "./api.js";
import { h } from "./dom.js";
import { field, form } from "./form.js";
import { inMemory, note } from "./ui.js";

// reasons are said where the server's own words would not help.
const reasons = {
  exists: "This server has an admin already. Sign in instead.",
  "bad-token": "This setup link is not valid any more. Restart the server: it prints a new one as long as there is no admin.",
  expired: "This setup link is past its time. Restart the server: it prints a new one.",
};

export function setupView({ ticket, done, leave }) {
  return {
    title: "Set up",
    node: h("section", { class: "narrow" },
      h("h1", { tabindex: "-1" }, "Welcome to Hecate"),
      h("p", { class: "lead" }, "Nobody manages this server yet. Make the first account: it can create apps and invite others."),
      h("div", { class: "card" }, form({
        submit: "Create account",
        busy: "Creating …",
        fields: [
          field({ name: "email", label: "E-mail", type: "email", autocomplete: "username" }),
          optionalName("first_name", "First name", "given-name"),
          optionalName("last_name", "Last name", "family-name"),
          field({
            name: "password", label: "Password", type: "password", autocomplete: "new-password", minlength: 10,
            hint: "At least 10 characters, whichever you like. A few words are easy to remember.",
          }),
        ],
        async action(answers) {
          try {
            await api.setUp({ ticket, ...answers });
          } catch (problem) {
            problem.message = reasons[problem.type] ?? problem.message;
            if (problem.type === "exists") problem.field = undefined;
            throw problem;
          }
          done();
        },
      })),
      note(inMemory),
      h("p", { class: "note" }, h("button", { type: "button", class: "link", onclick: () => leave() }, "Sign in instead"))),
  };
}

function optionalName(name, label, autocomplete) {
  return field({ name, label, autocomplete, optional: true });
}
