// Finding people by handle or name, as one types.
// Owns the field and its list. What is done with whoever is found is the caller's.

import { fill, h } from "./dom.js";
import { field, personRow } from "./parts.js";

const AFTER_MS = 250;

/** @param {(person: object) => (HTMLElement|false|null)[]} actions what can be done with somebody who was found */
export function finder(chat, label, actions) {
  const list = h("ul.people");
  const said = h("p.hint", { role: "status" });
  const asking = field(label, {
    type: "search", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 100, oninput: () => later(),
  });
  let timer = null;
  let turn = 0;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(look, AFTER_MS);
  }

  async function look() {
    const now = (turn += 1);
    const q = asking.input.value.trim();
    if (q.replace(/^@/, "").length < 1) {
      fill(list);
      said.textContent = "";
      return;
    }
    try {
      const { people } = await chat.rest.get("/v1/people", { q });
      if (now !== turn) return;
      chat.people.learn(...people);
      said.textContent = people.length ? "" : "Nobody found. Somebody who is not a contact is found by their whole handle.";
      fill(list, people.filter((one) => one.id !== chat.me).map((one) => personRow(one, stateOf(chat, one), ...actions(one))));
    } catch (error) {
      if (now === turn) said.textContent = error.message;
    }
  }

  return { element: h("div.finder", {}, asking.element, said, list), look, focus: () => asking.input.focus() };
}

/** Where somebody and I stand, in words. */
export function stateOf(chat, person) {
  return { accepted: "contact", requested: "asked", incoming: "asks you" }[chat.contacts.get(person.id)?.state] ?? "";
}
