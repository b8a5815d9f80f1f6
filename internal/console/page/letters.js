// The letters of one app that wait or could not be delivered. What they say is shown to nobody but their readers.

import { api, path } from "./api.js";
import { h, moment } from "./dom.js";
import { confirm, note, say, upTo } from "./ui.js";

// names are the letters as people call them; the API's own name stands for those that are not here.
const names = {
  activate: "Confirm your address", confirm: "Confirm your address", confirmed: "Address confirmed", activated: "Account active",
  approve: "Approval of an account", reset: "Reset your password", verify: "Verify your address", pin: "PIN", invite: "Invitation",
  member: "New member", welcome: "Welcome", moved: "Address changed", known: "Account exists", taken: "Name is taken", arrived: "Account can be used",
};

// letterName is how people call a letter.
export const letterName = (letter) => names[letter] ?? letter;

const states = { waiting: "Waiting", sending: "Being sent", failed: "Failed" };

export async function lettersView({ alias }) {
  const app = path`apps/${alias}`;
  const list = h("ul", { class: "cards", "aria-label": "Letters" });
  const more = h("button", { type: "button", hidden: true }, "Show older letters");
  let next = null;

  const load = async () => {
    const page = await api.get(`${app}/letters?limit=50${next ? path`&after=${next}` : ""}`);
    const rows = page.items.map((letter) => letterRow(app, letter));
    list.append(...rows);
    next = page.next;
    more.hidden = next === null;
    return rows;
  };
  more.addEventListener("click", async () => {
    try {
      const rows = await load();
      rows[0]?.querySelector("h2").focus();
    } catch (problem) {
      say(problem.message);
    }
  });
  const refresh = async () => {
    next = null;
    const old = [...list.children];
    try {
      await load();
      old.forEach((row) => row.remove());
      say("The list is as it is now.");
    } catch (problem) {
      say(problem.message);
    }
  };

  await load();
  return {
    title: "Letters",
    node: h("section", {},
      upTo(path`#/apps/${alias}`, alias),
      h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "Letters"),
        h("button", { type: "button", onclick: refresh }, "Refresh")),
      h("p", { class: "lead" }, "Letters of this app that wait, or that could not be delivered. Those that have left are not listed."),
      h("div", {}, list, h("div", { class: "empty" },
        h("h2", {}, "No letters"), h("p", {}, "Every letter of this app has left."))),
      h("div", {}, more),
      note("Nobody can read here what a letter says. Letters that failed are kept for 30 days.")),
  };
}

// letterRow shows one letter.
function letterRow(app, letter) {
  const self = app + path`/letters/${letter.id}`;
  const name = `“${letterName(letter.letter)}” to ${letter.to}`;
  const node = h("li", { class: "card" });

  const gone = (text) => {
    const beside = node.nextElementSibling ?? node.previousElementSibling;
    node.remove();
    (beside?.querySelector("h2") ?? document.querySelector("h1")).focus();
    say(text);
  };
  const retry = async () => {
    try {
      const row = letterRow(app, await api.post(`${self}/retry`));
      node.replaceWith(row);
      row.querySelector("h2").focus();
      say(`${name} goes out at once.`);
    } catch (problem) {
      if (problem.status === 404) gone(`${name} has left meanwhile.`);
      else say(problem.message);
    }
  };
  const drop = () => confirm({
    title: "Give this letter up?", submit: "Give up",
    text: `${name} will not be sent. Its reader can ask for another one.`,
    action: () => api.delete(self).catch((problem) => {
      if (problem.status !== 404) throw problem;
    }),
    done: () => gone(`${name} is given up.`),
  });

  const action = (label, onclick, style = "link") => h("button", { type: "button", class: style, "aria-label": `${label}: ${name}`, onclick }, label);
  node.append(
    h("div", { class: "heading" },
      h("h2", { tabindex: "-1" }, letterName(letter.letter)),
      h("span", { class: letter.state === "failed" ? "badge strong" : "badge" }, states[letter.state])),
    h("p", {}, "To ", h("b", {}, letter.to)),
    ...(letter.reason ? [h("p", { class: "words" }, letter.reason)] : []),
    h("p", { class: "muted" }, "Queued ", moment(letter.created_at),
      letter.attempts > 0 && ` · tried ${letter.attempts === 1 ? "once" : `${letter.attempts} times`}`,
      letter.next_try_at && [" · next try ", moment(letter.next_try_at)],
      letter.failed_at && [" · failed ", moment(letter.failed_at)]),
    ...(letter.state === "sending" ? [] : [h("div", { class: "quiet-actions" },
      action(letter.state === "failed" ? "Send again" : "Send now", retry), action("Give up", drop, "link danger-link"))]));
  return node;
}
