// My account: name, what others see of me, who may write to me, logging out.
// Owns the dialog.

import { attempt } from "./announce.js";
import { contact } from "./contact.js";
import { credentials } from "./credentials.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { button, face, field } from "./parts.js";
import { statusForm } from "./status.js";
import { yours } from "./yours.js";

const CIRCLES = { everyone: "Everyone", "room-mates": "Room-mates", contacts: "Contacts", nobody: "Nobody" };

/** @param {() => void} logOut */
export function account(chat, logOut) {
  dialog("You", (body, close) => {
    const name = field("Name", { maxlength: 64, value: chat.profile.name, autocomplete: "name" });
    const select = h("select.input", { id: "who-writes", disabled: true, onchange: () =>
      attempt(() => chat.change("PATCH", "/v1/me/privacy", { message: select.value }), "Saved.") },
    Object.entries(CIRCLES).map(([value, label]) => h("option", { value }, label)));
    const save = async (event) => {
      event.preventDefault();
      const profile = await attempt(() => chat.change("PATCH", "/v1/me", { name: name.input.value.trim() }), "Saved.");
      if (profile) Object.assign(chat.profile, { name: profile.name });
      chat.people.learn(chat.profile);
      chat.changed();
    };
    body.append(h("div.account-head", {}, face(chat.me, chat.profile.name), h("span.person-text", {},
      h("bdi.person-name", {}, chat.profile.name), h("span.person-note", {}, `@${chat.profile.handle}`))),
    h("form", { onsubmit: save }, name.element, h("div.dialog-actions", {}, button("Save", null, "plain"))),
    statusForm(chat),
    h("div.field", {}, h("label", { for: "who-writes" }, "Who may write to me first"), select,
      h("p.hint", {}, "What others write lies in your requests until you answer.")),
    h("div.dialog-actions", {}, button("Password and second factor", () => {
      close();
      credentials(chat);
    }), button("Address and other logins", () => {
      close();
      contact(chat);
    }), button("Your data", () => {
      close();
      yours(chat, logOut);
    }), button("Log out", () => {
      close();
      logOut();
    }, "danger")));
    attempt(async () => {
      select.value = (await chat.rest.get("/v1/me/privacy")).message;
      select.disabled = false;
    });
  });
}
