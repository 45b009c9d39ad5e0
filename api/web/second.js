// The second step of logging in: a code of an authenticator app, or a recovery code.
// Owns its form. Must never keep the code.

import { h } from "./dom.js";
import { field } from "./parts.js";
import { plain } from "./rest.js";

/**
 * @param {HTMLElement} form the login form, whose place it takes @param {{token: string, install: string}} halfway
 * @param {(grant: object) => void} done @param {(why: string) => void} again begin with the password
 */
export function secondStep(form, halfway, done, again) {
  const code = field("Code", {
    name: "code", autocomplete: "one-time-code", required: true, maxlength: 40, autocapitalize: "none", spellcheck: "false",
  }, "Of your authenticator app. Without it: one of your recovery codes.");
  const submit = h("button.button.primary.wide", { type: "submit" }, "Log in");

  async function send(event) {
    event.preventDefault();
    const typed = code.input.value.trim();
    if (!typed) return code.fail("Enter a code.");
    submit.disabled = true;
    try {
      const body = { mfa_token: halfway.token, code: typed, install: halfway.install };
      return done(await plain("POST", "/v1/sessions/second-step", body));
    } catch (error) {
      if (error.status === 401) return again("That took too long. Log in once more.");
      code.input.value = "";
      code.fail(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
    } finally {
      submit.disabled = false;
    }
    return null;
  }

  const step = h("form.login-form", { novalidate: true, onsubmit: send }, h("h1", {}, "One step more"), code.element, submit,
    h("button.button.link", { type: "button", onclick: () => again("") }, "Begin again"));
  form.replaceWith(step);
  code.input.focus();
}
