// What links in mails lead to: an address that is confirmed, and a new password.
// Owns reading the word from the address, which forgets it at once. Must never keep a word.

import { fill, h } from "./dom.js";
import { field } from "./parts.js";
import { plain } from "./rest.js";
import { sentence } from "./ways.js";

/** The word that this page was opened with, by what it is for: null, or `{kind, word}`. */
export function mailed() {
  const found = /^#\/(verify|reset)\/([\w-]{1,100})$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", "/app");
  return { kind: found[1], word: found[2] };
}

/**
 * An address is confirmed by whoever presses the button: scanners of mail open links, too, and run what is there.
 * @param {HTMLElement} root @param {string} word @param {(why: string) => void} done told what to say of it
 */
export function confirmation(root, word, done) {
  const submit = h("button.button.primary.wide", { type: "submit" }, "Confirm this address");
  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await plain("POST", "/v1/emails/verify", { word });
      done("Your address is confirmed.");
    } catch (error) {
      done(sentence(error.message));
    }
  }
  fill(root, h("main.login", {}, h("form.login-form", { onsubmit: send }, h("h1", {}, "Your address"),
    h("p", {}, "It becomes the address of the account that the mail names. Is that not yours? Then close this page."), submit)));
  submit.focus();
}

/** @param {HTMLElement} root @param {string} word @param {(why: string) => void} done */
export function newPassword(root, word, done) {
  const password = field("New password", {
    name: "password", type: "password", autocomplete: "new-password", required: true, minlength: 8, maxlength: 128,
  }, "Afterwards you are logged out everywhere.");
  const submit = h("button.button.primary.wide", { type: "submit" }, "Set this password");
  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await plain("POST", "/v1/password-resets/complete", { word, new_password: password.input.value });
      return done("Your password is changed. Log in with it.");
    } catch (error) {
      if (error.status === 401) return done(sentence(error.message));
      password.fail(sentence(error.message));
    } finally {
      password.input.value = "";
      submit.disabled = false;
    }
    return null;
  }
  fill(root, h("main.login", {}, h("form.login-form", { novalidate: true, onsubmit: send }, h("h1", {}, "A new password"),
    password.element, submit)));
  password.input.focus();
}
