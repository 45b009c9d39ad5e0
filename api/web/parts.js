// The small things that every view is made of: faces, buttons, fields.
// Owns how these look as elements. Must never know a room or a message.

import { h } from "./dom.js";
import { colour, initials } from "./faces.js";
import { icon } from "./icons.js";

/**
 * Somebody's face or a room's: initials on a colour, beside a name that says the same. A picture will stand in their
 * place. A dot for presence at its corner; whoever uses it says the same in words.
 */
export function face(id, name, shape = "round", presence = "offline") {
  const text = shape === "square" ? "#" : initials(name);
  const dot = ["active", "idle", "background", "busy"].includes(presence) && h(`span.dot.${presence}`);
  return h(`span.face.hue-${colour(id)}.${shape}`, { "aria-hidden": "true" }, text, dot);
}

/** A button that shows a sign and is called by its label. */
export function iconButton(name, label, onclick, more = {}) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

/** A button by its words; without anything to do it is the one that submits its form. */
export function button(label, onclick, kind = "plain") {
  return h(`button.button.${kind}`, onclick ? { type: "button", onclick } : { type: "submit" }, label);
}

let fields = 0;

/** A labelled input; `field.input` is the input, `field.fail(text)` says what is wrong with it. */
export function field(label, set, hint = "") {
  const id = `field-${(fields += 1)}`;
  const input = h(set.rows ? "textarea.input" : "input.input", { id, "aria-describedby": `${id}-hint`, ...set });
  const note = h("p.hint", { id: `${id}-hint` }, hint);
  const element = h("div.field", {}, h("label", { for: id }, label), input, note);
  const fail = (text) => {
    note.textContent = text || hint;
    note.classList.toggle("wrong", Boolean(text));
    input.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) input.focus();
  };
  return { element, input, fail };
}

/** Somebody in a list, with what can be done about them; `person.there`: their presence, if it is to be shown. */
export function personRow(person, note, ...actions) {
  return h("li.person", {}, face(person.id, person.name, "round", person.there),
    h("span.person-text", {}, h("bdi.person-name", {}, person.name),
      h("span.person-note", {}, [person.handle && `@${person.handle}`, note].filter(Boolean).join(" · "))),
    h("span.person-actions", {}, actions));
}
