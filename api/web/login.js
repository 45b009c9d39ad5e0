// The first screen: log in, or register.
// Owns the form and what is said when it fails. Must never keep a password.

import { fill, h } from "./dom.js";
import { field } from "./parts.js";
import { plain } from "./rest.js";
import { secondStep } from "./second.js";
import { install } from "./tokens.js";
import { ways } from "./ways.js";

/**
 * @param {HTMLElement} root @param {(grant: object, stay: boolean) => void} done
 * @param {string} [why] why one is here, if that needs saying
 */
export function loginView(root, done, why = "") {
  let registering = false;
  const handle = field("Handle", {
    name: "handle", autocomplete: "username", required: true, minlength: 3, maxlength: 32, autocapitalize: "none",
    spellcheck: "false", pattern: "[A-Za-z0-9_.\\-]{3,32}",
  }, "");
  const name = field("Name", { name: "name", autocomplete: "name", maxlength: 64 }, "What others see. Your handle, if left empty.");
  const password = field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const stay = h("input", { type: "checkbox", id: "stay", checked: true });
  const submit = h("button.button.primary.wide", { type: "submit" });
  const other = h("button.button.link", { type: "button", onclick: () => turn(!registering) });
  const problem = h("p.problem", { role: "alert" }, why);
  const title = h("h1");
  const form = h("form.login-form", { novalidate: true, onsubmit: send }, title, problem, handle.element, name.element,
    password.element,
    h("label.check", { for: "stay" }, stay, h("span", {}, "Stay logged in on this browser")), submit, other);

  function turn(now) {
    registering = now;
    title.textContent = now ? "Make an account" : "Welcome back";
    submit.textContent = now ? "Register" : "Log in";
    other.textContent = now ? "I have an account: log in" : "New here? Make an account";
    name.element.hidden = !now;
    password.input.autocomplete = now ? "new-password" : "current-password";
    handle.fail("");
    password.fail("");
    problem.textContent = "";
  }

  async function send(event) {
    event.preventDefault();
    handle.fail("");
    password.fail("");
    problem.textContent = "";
    if (!password.input.value) return password.fail("Enter a password.");
    if (!handle.input.value) return handle.fail("Enter a handle.");
    submit.disabled = true;
    const who = { handle: handle.input.value.trim().replace(/^@/, ""), password: password.input.value };
    try {
      if (registering) await plain("POST", "/v1/people", { ...who, name: name.input.value.trim() || null });
      const here = install(stay.checked);
      const grant = await plain("POST", "/v1/sessions", { ...who, install: here, app: "muster-page", platform: "web" });
      if (!grant.mfa_required) return done(grant, stay.checked);
      const halfway = { token: grant.mfa_token, install: here };
      return secondStep(form, halfway, (whole) => done(whole, stay.checked), (said) => loginView(root, done, said));
    } catch (error) {
      const text = sentence(error.message);
      if (/handle/i.test(text) && registering) handle.fail(text);
      else if (/password/i.test(text) && registering) password.fail(text);
      else problem.textContent = text;
    } finally {
      submit.disabled = false;
    }
    return null;
  }

  turn(false);
  problem.textContent = why;
  fill(root, h("main.login", {},
    h("div.login-brand", {}, h("span.brand-mark", { "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      h("p.brand-name", {}, "Muster")), form));
  handle.input.focus();
  ways(form, () => stay.checked, (said) => loginView(root, done, said));
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
