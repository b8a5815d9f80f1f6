// The admin's own account.

import { api } from "./api.js";
import { date, h } from "./dom.js";
import { confirm, inMemory, note, say, secret, upToApps } from "./ui.js";

export async function accountView() {
  const admin = await api.get("admin");
  const name = [admin.first_name, admin.last_name].filter(Boolean).join(" ");
  const key = secret("account key", () => api.accountKey);
  const rotate = () => confirm({
    title: "Replace the account key?", submit: "Replace key",
    text: "Programs and pages that have the old one are refused at once. This page goes on with the new one.",
    action: () => api.rotate(),
    done() {
      key.put(api.accountKey);
      say("You have a new account key.");
    },
  });
  return {
    title: "Account",
    node: h("section", {},
      upToApps(),
      h("h1", { tabindex: "-1" }, "Account"),
      h("dl", { class: "facts" }, [
        ["E-mail", admin.email], ["Name", name], ["Username", admin.username], ["Since", date(admin.created_at)],
      ].filter(([, value]) => value).map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
      h("h2", {}, "Account key"),
      h("div", { class: "card" },
        h("p", {}, "It proves that you are you, as your password does. Programs send it as ", h("code", {}, "Authorization: Bearer …")),
        key.node,
        h("div", { class: "quiet-actions" }, h("button", { type: "button", class: "link danger-link", onclick: rotate }, "Replace"))),
      note(inMemory)),
  };
}
