// The page: which view is shown, and who is signed in.

import { accountView } from "./account.js";
import { api } from "./api.js";
import { appView } from "./app.js";
import { appsView } from "./apps.js";
import { h } from "./dom.js";
import { activateView, invitationView, resetView } from "./letter.js";
import { lettersView } from "./letters.js";
import { mailView } from "./mail.js";
import { setupView } from "./setup.js";
import { forgotView, signInView } from "./signin.js";
import { say } from "./ui.js";

const main = document.getElementById("main");
const account = document.getElementById("account");

const views = [
  [/^#\/apps\/([^/]+)\/letters$/, ([, alias]) => lettersView({ alias: decodeURIComponent(alias) })],
  [/^#\/apps\/([^/]+)\/mail$/, ([, alias]) => mailView({ alias: decodeURIComponent(alias) })],
  [/^#\/apps\/([^/]+)$/, ([, alias]) => appView({ alias: decodeURIComponent(alias), go })],
  [/^#\/account$/, () => accountView()],
  [/^(#\/?)?$/, () => appsView({ go })],
];

// links are the views that the setup link and the links of letters lead to. They are shown until they are done with or left.
const links = [
  [/^#setup=(.+)$/, ([, ticket]) => (api.signedIn ? null : setupView({ ticket, done: enter, leave }))],
  [/^#activate=([^/]+)\/(.+)$/, ([, uid, token]) => activateView({ uid, token, leave })],
  [/^#reset=([^/]+)\/(.+)$/, ([, uid, token]) => resetView({ uid, token, leave })],
  [/^#invitation=(.+)$/, ([, key]) => (signingIn ? null : invitationView({ key, leave, signIn }))],
];

let linked = null; // the view of the link that was followed, as a function
let forgetting = false; // asks for a letter instead of signing in
let signingIn = false; // before the invitation is accepted
let reason = "";
let latest = 0;

// takeLink reads what a link carries and removes it from the address, so that no history keeps it.
function takeLink() {
  for (const [pattern, make] of links) {
    const match = pattern.exec(location.hash);
    if (!match) continue;
    const parts = match.map(decoded);
    linked = () => make(parts);
    signingIn = forgetting = false;
    history.replaceState(null, "", location.pathname);
    return true;
  }
  return false;
}

// decoded leaves alone what nobody has encoded.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// go opens the view of an address within the page.
function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

function currentView() {
  const view = linked?.();
  if (view) return view;
  if (!api.signedIn) return forgetting ? forgotView({ back: () => forget(false) }) : signInView({ reason, done: enter, forgot: () => forget(true) });
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

// enter follows a sign-in. An invitation that waited for it goes on.
function enter() {
  if (!signingIn) linked = null;
  signingIn = false;
  reason = "";
  show();
}

// leave ends what a link began, and tells what came of it.
function leave(news = "") {
  linked = null;
  signingIn = false;
  reason = api.signedIn || !news ? "" : `${news} Sign in to go on.`;
  if (api.signedIn && news) say(news);
  show();
}

// forget asks for a letter instead of a password, or no longer does.
function forget(yes) {
  forgetting = yes;
  reason = "";
  show();
}

// signIn comes before an invitation that somebody with an account accepts.
function signIn() {
  signingIn = true;
  show();
}

api.onSignedOut = () => {
  reason = "The server no longer knows your account key. Sign in again.";
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  show();
};

addEventListener("hashchange", () => {
  if (!takeLink() && api.signedIn) linked = null; // going on to another view leaves it
  show();
});

takeLink();
show();
