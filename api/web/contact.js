// My address, and the services that I log in by.
// Owns the dialog. Must never keep a password.

import { attempt, tell } from "./announce.js";
import { dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { able, leave } from "./elsewhere.js";
import { button, field } from "./parts.js";

export function contact(chat) {
  dialog("Address and other logins", (body) => {
    const password = field("Password", { type: "password", autocomplete: "current-password", maxlength: 128 },
      "For any change here. Empty, if you log in by another service alone.");
    const code = field("Code", { autocomplete: "one-time-code", maxlength: 40, autocapitalize: "none", spellcheck: "false" },
      "Of your second factor, if you have one.");
    const [address, services] = [h("section", {}), h("section", {})];
    const proof = () => ({ password: password.input.value, code: code.input.value.trim() });
    const change = async (method, path, more = {}) => {
      try {
        return await chat.rest.ask(method, path, { ...proof(), ...more });
      } catch (error) {
        tell(error.message);
        return false;
      } finally {
        password.input.value = "";
        code.input.value = "";
      }
    };
    const show = () => attempt(async () => {
      const [mine, { services: linked }, options] = await Promise.all([
        chat.rest.get("/v1/me/email"), chat.rest.get("/v1/me/oauth"), chat.rest.get("/v1/login-options"),
      ]);
      fill(address, ...addressPart(chat, mine, options.password_reset, change, show));
      fill(services, ...servicesPart(chat, linked, options.services, change, proof, show));
    });
    body.append(password.element, code.element, address, services);
    show();
  });
}

function addressPart(chat, mine, sends, change, show) {
  const parts = [h("h3.section-title", {}, "Address"),
    h("p.hint", {}, mine.address ? `Yours is ${mine.address}.` : "None. With one you can ask for a new password.")];
  if (mine.address) {
    parts.push(h("div.dialog-actions", {}, button("Remove it", async () => {
      if (await change("POST", "/v1/me/email/remove") !== false) show();
    }, "danger")));
  }
  if (mine.pending) parts.push(codeForm(chat, mine.pending, show));
  if (!sends) return parts;
  const email = field(mine.address ? "Another address" : "Address", { type: "email", autocomplete: "email", maxlength: 254 });
  const send = async (event) => {
    event.preventDefault();
    if (!email.input.value.trim()) return email.fail("Enter an address.");
    const more = { email: email.input.value.trim(), language: navigator.language };
    if (await change("PUT", "/v1/me/email", more) !== false) show();
    return null;
  };
  return [...parts, h("form", { novalidate: true, onsubmit: send }, email.element,
    h("div.dialog-actions", {}, button("Send a mail there", null, "plain")))];
}

function codeForm(chat, pending, show) {
  const digits = field("Code of the mail", { inputmode: "numeric", autocomplete: "off", maxlength: 6 }, `It was sent to ${pending}.`);
  const send = async (event) => {
    event.preventDefault();
    try {
      await chat.rest.ask("POST", "/v1/me/email/verify", { code: digits.input.value.trim() });
      tell("Confirmed.");
      show();
    } catch (error) {
      digits.fail(error.message);
    }
  };
  return h("form", { novalidate: true, onsubmit: send }, digits.element, h("div.dialog-actions", {}, button("Confirm", null, "plain")));
}

function servicesPart(chat, linked, all, change, proof, show) {
  if (!all.length) return [];
  const rows = all.map(({ name, title }) => {
    const path = `/v1/me/oauth/${encodeURIComponent(name)}`;
    if (linked.some((one) => one.name === name)) {
      return button(`Unlink ${title}`, async () => {
        if (await change("POST", `${path}/unlink`) !== false) show();
      }, "danger");
    }
    const begin = (body) => chat.rest.ask("POST", `${path}/begin`, { ...body, ...proof() });
    return able() ? button(`Link ${title}`, () => attempt(() => leave(begin, { link: true })), "plain") : null;
  });
  return [h("h3.section-title", {}, "Other logins"), h("div.dialog-actions", {}, rows.filter(Boolean))];
}
