// An admin signs in.

import { api } from "./api.js";
import { h } from "./dom.js";
import { field, form } from "./form.js";
import { inMemory, note } from "./ui.js";

export function signInView({ reason, done }) {
  return {
    title: "Sign in",
    node: h("section", { class: "narrow" },
      h("h1", { tabindex: "-1" }, "Sign in"),
      reason && h("p", { class: "lead", role: "alert" }, reason),
      h("div", { class: "card" }, form({
        submit: "Sign in",
        busy: "Signing in …",
        fields: [
          field({ name: "login", label: "E-mail or username", autocomplete: "username", autocapitalize: "off", spellcheck: "false" }),
          field({ name: "password", label: "Password", type: "password", autocomplete: "current-password" }),
        ],
        async action(answers) {
          await api.signIn(answers);
          done();
        },
      })),
      note(inMemory)),
  };
}
