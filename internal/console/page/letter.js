// The pages that the links of letters lead to. Opening one changes nothing: mail programs open links too. A button does.

import { api } from "./api.js";
import { h } from "./dom.js";
import { field, form } from "./form.js";
import { inMemory, note } from "./ui.js";

// reasons are said where the server's own words would not help.
const reasons = {
  "bad-token": "This link is not valid any more: it was used already, or a newer letter has taken its place.",
  expired: "This link is past its time. Ask for a new letter.",
  "not-found": "This invitation is not valid any more: it was used already, or withdrawn.",
};

// explained does the action and says in our words why it cannot be done.
async function explained(action) {
  try {
    return await action();
  } catch (problem) {
    problem.message = reasons[problem.type] ?? problem.message;
    throw problem;
  }
}

// page is a heading, what will happen, and the form that does it; leave goes elsewhere without doing anything.
function page({ title, lead, content, notes = [], leave }) {
  return {
    title,
    node: h("section", { class: "narrow" },
      h("h1", { tabindex: "-1" }, title),
      h("p", { class: "lead" }, lead),
      h("div", { class: "card" }, content),
      notes,
      h("p", { class: "note" }, h("button", { type: "button", class: "link", onclick: () => leave() }, "Leave it as it is"))),
  };
}

export function activateView({ uid, token, leave }) {
  return page({
    title: "Confirm your address", leave,
    lead: "A letter brought you here. Confirm that its address is yours, and the account is active.",
    content: form({
      submit: "Confirm address", busy: "Confirming …",
      async action() {
        await explained(() => api.offer("account/activate", { uid, token }));
        leave("Your address is confirmed.");
      },
    }),
  });
}

export function resetView({ uid, token, leave }) {
  return page({
    title: "Choose a new password", leave,
    lead: "The old password and this link end with it.",
    content: form({
      submit: "Set password", busy: "Setting …",
      fields: [newPassword("New password")],
      async action({ password }) {
        await explained(() => api.offer("account/reset", { uid, token, password }));
        leave("Your new password is set.");
      },
    }),
  });
}

export function invitationView({ key, leave, signIn }) {
  return api.signedIn ? acceptView({ key, leave }) : joinView({ key, leave, signIn });
}

function acceptView({ key, leave }) {
  return page({
    title: "You are invited", leave,
    lead: `Accept, and ${api.admin.email} manages one more app. The letter says which.`,
    content: form({
      submit: "Accept invitation", busy: "Accepting …",
      async action() {
        await explained(() => api.post("admin/invitation", { key }));
        leave("You have accepted the invitation.");
      },
    }),
  });
}

function joinView({ key, leave, signIn }) {
  return page({
    title: "You are invited", leave,
    lead: "Make an account to manage the app of the invitation. The letter says which.",
    content: form({
      submit: "Create account and accept", busy: "Creating …",
      fields: [
        field({ name: "email", label: "E-mail", type: "email", autocomplete: "username" }),
        field({ name: "first_name", label: "First name", autocomplete: "given-name", optional: true }),
        field({ name: "last_name", label: "Last name", autocomplete: "family-name", optional: true }),
        newPassword("Password"),
      ],
      async action(answers) {
        await explained(() => api.join({ key, ...answers }));
        leave("You have accepted the invitation.");
      },
    }),
    notes: [
      note(inMemory),
      h("p", { class: "note" }, h("button", { type: "button", class: "link", onclick: signIn }, "I have an account: sign in")),
    ],
  });
}

function newPassword(label) {
  return field({
    name: "password", label, type: "password", autocomplete: "new-password", minlength: 10,
    hint: "At least 10 characters, whichever you like. A few words are easy to remember.",
  });
}
