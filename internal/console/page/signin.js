// An admin signs in, or asks for a letter because he has forgotten his password.

import { api } from "./api.js";
import { h } from "./dom.js";
import { field, form } from "./form.js";
import { inMemory, note } from "./ui.js";

export function signInView({ reason, done, forgot }) {
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
      h("p", { class: "note" }, h("button", { type: "button", class: "link", onclick: forgot }, "Forgot your password?")),
      note(inMemory)),
  };
}

// forgotView asks for an address. What it shows then is the same whether anybody has it.
export function forgotView({ back }) {
  const asked = h("p", { class: "lead", role: "status" });
  const card = h("div", { class: "card" }, form({
    submit: "Send me a link", busy: "Asking …",
    fields: [field({ name: "email", label: "E-mail", type: "email", autocomplete: "username" })],
    async action({ email }) {
      await api.offer("account/forgot", { email });
      asked.textContent = `If an account has the address ${email}, a letter is on its way to it. Its link lets you choose a new password.`;
      card.hidden = true;
      backButton.focus();
    },
  }));
  const backButton = h("button", { type: "button", class: "link", onclick: back }, "Back to sign in");
  return {
    title: "Forgot your password?",
    node: h("section", { class: "narrow" }, h("h1", { tabindex: "-1" }, "Forgot your password?"), asked, card, h("p", { class: "note" }, backButton)),
  };
}
