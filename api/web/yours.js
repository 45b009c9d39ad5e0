// What is kept of me: a copy to take away, and an end to all of it.
// Owns the dialog. Must never keep a password or a code.

import { attempt, tell } from "./announce.js";
import { confirm, dialog } from "./dialog.js";
import { full } from "./dates.js";
import { fill, h } from "./dom.js";
import { button, field } from "./parts.js";

const LOOK_AGAIN_MS = 2_000;
const UNITS = ["bytes", "KB", "MB", "GB"];

/** @param {() => void} over called when the account is on its way out and this page with it */
export function yours(chat, over) {
  dialog("Your data", (body) => {
    const copies = h("section", { "aria-live": "polite" });
    const password = field("Password", { type: "password", autocomplete: "current-password", maxlength: 128 });
    const code = field("Code", { autocomplete: "one-time-code", maxlength: 40, autocapitalize: "none", spellcheck: "false" },
      "Only with a second factor.");
    const proven = async (method, path) => {
      const proof = { password: password.input.value, code: code.input.value.trim() };
      password.input.value = "";
      code.input.value = "";
      return chat.rest.ask(method, path, proof);
    };
    const show = async () => {
      const { exports } = await chat.rest.get("/v1/me/exports");
      fill(copies, ...exports.filter((one) => one.state !== "gone").slice(0, 1).map(line));
      if (exports[0]?.state === "waiting" && copies.isConnected) setTimeout(() => attempt(show), LOOK_AGAIN_MS);
    };
    const ask = () => attempt(async () => {
      await proven("POST", "/v1/me/export");
      await show();
    });
    const end = async () => {
      const really = await confirm("Delete your account?",
        "You are logged out everywhere now. After some days everything of yours is gone for good; until then, log in to stay.",
        "Delete account");
      if (!really) return;
      const ending = await attempt(() => proven("DELETE", "/v1/me"));
      if (!ending) return;
      tell(`Your account will be gone on ${full(ending.erase_at_ms)}.`);
      over();
    };
    body.append(
      h("p.hint", {}, "Both ask for your password, so that nobody else can do them with your phone."),
      password.element, code.element,
      h("h3.section-title", {}, "Download my data"),
      h("p.hint", {}, "Everything that is kept of you, as a zip archive. Making it takes a little; it stays for some days."),
      copies, h("div.dialog-actions", {}, button("Make a copy", ask, "plain")),
      h("h3.section-title", {}, "Delete my account"),
      h("p.hint", {}, "Your messages are emptied, your rooms go on without you, and nothing but a number is left of you."),
      h("div.dialog-actions", {}, button("Delete my account", end, "danger")));
    attempt(show);
  });
}

function line(copy) {
  if (copy.state === "waiting") return h("p", {}, "A copy is being made.");
  if (copy.state === "failed") return h("p", {}, "The last copy could not be made. Ask for another.");
  return h("p", {}, h("a", { href: copy.url, download: "muster-copy.zip" }, "Download the copy"),
    ` (${size(copy.bytes)}), until ${full(copy.expires_at_ms)}.`);
}

function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return `${Math.round(bytes / 1000 ** power)} ${UNITS[power]}`;
}
