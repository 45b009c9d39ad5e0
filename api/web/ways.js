// Below the login form: a new password by mail, and other services, where there are such.
// Owns these buttons and the form for an address.

import { able, leave } from "./elsewhere.js";
import { h } from "./dom.js";
import { field } from "./parts.js";
import { plain } from "./rest.js";

/** @param {HTMLElement} form the login form @param {() => boolean} stays @param {(why: string) => void} again */
export async function ways(form, stays, again) {
  const options = await plain("GET", "/v1/login-options").catch(() => null);
  if (!options || !form.isConnected) return;
  const fail = (error) => again(sentence(error.message));
  if (options.password_reset) {
    form.append(h("button.button.link", { type: "button", onclick: () => forgot(form, again) }, "Forgot password?"));
  }
  for (const { name, title } of able() ? options.services : []) {
    const begin = (body) => plain("POST", `/v1/oauth/${encodeURIComponent(name)}/begin`, body);
    form.append(h("button.button.plain.wide", { type: "button", onclick: () => leave(begin, { stay: stays() }).catch(fail) },
      `Continue with ${title}`));
  }
}

function forgot(form, again) {
  const email = field("Address", { name: "email", type: "email", autocomplete: "email", required: true, maxlength: 254 },
    "The one that your account has.");
  const submit = h("button.button.primary.wide", { type: "submit" }, "Send me a link");
  async function send(event) {
    event.preventDefault();
    if (!email.input.value.trim()) return email.fail("Enter an address.");
    submit.disabled = true;
    try {
      await plain("POST", "/v1/password-resets", { email: email.input.value.trim(), language: navigator.language });
      return again("If this is the address of an account, a mail is on its way.");
    } catch (error) {
      email.fail(sentence(error.message));
    } finally {
      submit.disabled = false;
    }
    return null;
  }
  form.replaceWith(h("form.login-form", { novalidate: true, onsubmit: send }, h("h1", {}, "A new password"), email.element, submit,
    h("button.button.link", { type: "button", onclick: () => again("") }, "Back")));
  email.input.focus();
}

export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
