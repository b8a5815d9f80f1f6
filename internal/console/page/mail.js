// How the letters of one app look: whom they come from, in which language, by which templates.

import { api, path } from "./api.js";
import { h } from "./dom.js";
import { field, form } from "./form.js";
import { letterName } from "./letters.js";
import { confirm, note, openDialog, say, upTo } from "./ui.js";

export async function mailView({ alias }) {
  const where = path`apps/${alias}/mail`;
  const mail = await api.get(where);
  const list = h("ul", { class: "cards", "aria-label": "Templates" });
  const show = () => list.replaceChildren(...Object.keys(mail.templates).sort().map((name) => templateRow(where, mail, name, show)));
  show();
  return {
    title: "How letters look",
    node: h("section", {},
      upTo(path`#/apps/${alias}`, alias),
      h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "How letters look"),
        h("button", { type: "button", onclick: () => sampleDialog(where, mail) }, "Send me a sample …")),
      mail.editable ? settings(where, mail) : fixed(mail),
      h("section", { "aria-labelledby": "templates" },
        h("div", { class: "heading" },
          h("h2", { tabindex: "-1", id: "templates" }, "Templates"),
          mail.editable && h("button", { type: "button", class: "primary", onclick: () => newTemplate(where, mail, show) }, "New template")),
        h("div", {}, list, h("div", { class: "empty" },
          h("h3", {}, "No templates"), h("p", {}, "Every letter is the one that Hecate brings, in English.")))),
      note("A reader's language is tried first, then the app's, then English.")),
  };
}

// fixed shows what cannot be changed here.
function fixed(mail) {
  return h("div", { class: "card" },
    h("p", {}, "Sender: ", mail.sender || "the server's"), h("p", {}, "Language: ", mail.language || "en"),
    h("p", { class: "muted" }, "Admins with the role full or owner change this, unless the operator of the server keeps it to himself."));
}

function settings(where, mail) {
  return h("div", { class: "card" }, form({
    submit: "Save", busy: "Saving …",
    fields: [
      field({
        name: "sender", label: "Sender", also: ["mail.sender"], optional: true, value: mail.sender, autocomplete: "off", spellcheck: "false",
        hint: "Such as “Books <no-reply@books.example.com>”. The mail server must be allowed to send for this address. Empty: the server's own.",
      }),
      field({
        name: "language", label: "Language", also: ["mail.language"], optional: true, value: mail.language, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        hint: "Of readers whose profile does not say theirs: “en”, “de-AT”.",
      }),
    ],
    async action(answers) {
      Object.assign(mail, await api.patch(where, answers));
      say("Saved.");
    },
  }));
}

const partsOf = (name) => [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];

const kindOf = (mail, letter) => mail.letters.find((kind) => kind.letter === letter);

const letterField = (mail) => field({
  name: "letter", label: "Letter", type: "select", options: mail.letters.map(({ letter }) => ({ value: letter, label: `${letterName(letter)} (${letter})` })),
});

const languageField = (value, hint) => field({
  name: "language", label: "Language", value, hint, autocomplete: "off", autocapitalize: "off", spellcheck: "false", pattern: "[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*",
});

function templateRow(where, mail, name, show) {
  const [letter, language] = partsOf(name);
  const label = `${letterName(letter)} in ${language}`;
  const remove = () => confirm({
    title: `Remove “${label}”?`, submit: "Remove template",
    text: "Readers of this language get the next best template, or the letter that Hecate brings.",
    action: () => api.patch(where, { templates: { [name]: null } }),
    done(changed) {
      Object.assign(mail, changed);
      show();
      document.getElementById("templates").focus();
      say(`“${label}” is removed.`);
    },
  });
  const action = (text, onclick, style = "link") => h("button", { type: "button", class: style, "aria-label": `${text}: ${label}`, onclick }, text);
  return h("li", { class: "card" },
    h("div", { class: "heading" }, h("h3", {}, letterName(letter)), h("span", { class: "badge" }, language)),
    mail.templates[name].subject && h("p", { class: "words" }, mail.templates[name].subject),
    h("div", { class: "quiet-actions" },
      mail.editable && action("Edit", () => editTemplate(where, mail, name, mail.templates[name], show)),
      action("Send me a sample", () => sample(where, letter, language).catch((problem) => say(problem.message))),
      mail.editable && action("Remove", remove, "link danger-link")));
}

function newTemplate(where, mail, show) {
  openDialog("New template", (close) => [form({
    submit: "Start with the built-in letter", cancel: close, fields: [letterField(mail), languageField(mail.language || "en")],
    async action({ letter, language }) {
      const name = `${letter}.${language}`;
      close();
      editTemplate(where, mail, name, mail.templates[name] ?? kindOf(mail, letter).built_in, show);
    },
  })]);
}

function editTemplate(where, mail, name, template, show) {
  const [letter, language] = partsOf(name);
  const code = { optional: true, class: "code", spellcheck: "false" };
  openDialog(`${letterName(letter)} in ${language}`, (close) => [
    h("p", { class: "hint" }, "Facts of this letter: ", kindOf(mail, letter).facts.map((fact) => [h("code", {}, `{{.${fact}}}`), " "]).flat(),
      "· Conditions: ", h("code", {}, "{{if .name}} … {{else}} … {{end}}")),
    form({
      submit: "Save", busy: "Saving …", cancel: close,
      fields: [
        field({ name: "subject", label: "Subject", value: template.subject, ...code }),
        field({ name: "text", label: "Text", type: "textarea", value: template.text, also: [`mail.templates.${name}`, "mail.templates"], ...code, rows: 10 }),
        field({ name: "html", label: "HTML", type: "textarea", value: template.html, ...code, rows: 10 }),
      ],
      async action(answers) {
        Object.assign(mail, await api.patch(where, { templates: { [name]: answers } }));
        close();
        show();
        document.getElementById("templates").focus();
        say("Saved.");
      },
    })]);
}

function sampleDialog(where, mail) {
  openDialog("Send me a sample", (close) => [
    h("p", {}, "It goes to ", h("b", {}, api.admin.email), ", with made-up facts and a link that leads nowhere."),
    form({
      submit: "Send", cancel: close, fields: [letterField(mail), languageField(mail.language || "en")],
      async action({ letter, language }) {
        await sample(where, letter, language);
        close();
      },
    })]);
}

async function sample(where, letter, language) {
  await api.post(`${where}/sample`, { letter, language });
  say(`A sample is on its way to ${api.admin.email}.`);
}
