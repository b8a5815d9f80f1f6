// The page: which view is shown, and who is signed in.

import { accountView } from "./account.js";
import { api } from "./api.js";
import { appView } from "./app.js";
import { appsView } from "./apps.js";
import { h } from "./dom.js";
import { setupView } from "./setup.js";
import { signInView } from "./signin.js";

const main = document.getElementById("main");
const account = document.getElementById("account");

const views = [
  [/^#\/apps\/([^/]+)$/, ([, alias]) => appView({ alias: decodeURIComponent(alias), go })],
  [/^#\/account$/, () => accountView()],
  [/^(#\/?)?$/, () => appsView({ go })],
];

let ticket = "";
let reason = "";
let latest = 0;

// takeTicket reads the ticket of a setup link and removes it from the address, so that no history keeps it.
function takeTicket() {
  const found = /^#setup=(.+)$/.exec(location.hash);
  if (!found) return;
  ticket = found[1];
  history.replaceState(null, "", location.pathname);
}

// go opens the view of an address within the page.
function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

function currentView() {
  if (!api.signedIn) {
    return ticket ? setupView({ ticket, done: enter, leave }) : signInView({ reason, done: enter });
  }
  for (const [pattern, make] of views) {
    const match = pattern.exec(location.hash);
    if (match) return make(match);
  }
  return { title: "Not found", node: missing("There is nothing at this address.") };
}

// show puts the view of the address on the page. A view that took too long to come is dropped when another was asked for.
async function show() {
  latest += 1;
  const mine = latest;
  main.setAttribute("aria-busy", "true");
  let view;
  try {
    view = await currentView();
  } catch (problem) {
    view = { title: "Problem", node: missing(problem.message) };
  }
  if (mine !== latest) return;
  main.removeAttribute("aria-busy");
  document.title = `${view.title} · Hecate`;
  showAccount();
  main.replaceChildren(view.node);
  (view.node.querySelector("form input") ?? view.node.querySelector("h1")).focus({ preventScroll: true });
  scrollTo(0, 0);
}

function missing(text) {
  return h("section", {}, h("h1", { tabindex: "-1" }, "That did not work"), h("p", { class: "lead" }, text),
    h("p", {}, h("a", { href: "#/" }, "To the apps")));
}

function showAccount() {
  account.hidden = !api.signedIn;
  account.replaceChildren(...(api.signedIn ? [
    h("a", { href: "#/account" }, api.admin.email),
    h("button", { type: "button", class: "link", onclick: () => { api.signOut(); leave(); } }, "Sign out"),
  ] : []));
}

function enter() {
  ticket = "";
  reason = "";
  show();
}

function leave() {
  ticket = "";
  reason = "";
  show();
}

api.onSignedOut = () => {
  reason = "The server no longer knows your account key. Sign in again.";
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  show();
};

addEventListener("hashchange", () => {
  takeTicket();
  show();
});

takeTicket();
show();
