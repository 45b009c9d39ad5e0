// Telling those who watch over a room about a message, and staff about somebody.
// Owns the dialog. Must never tell the reported.

import { attempt, tell } from "./announce.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { button, field } from "./parts.js";

const REASONS = [
  ["spam", "Spam"], ["harassment", "Harassment"], ["violence", "Violence or threats"], ["sexual", "Sexual content"],
  ["self_harm", "Self-harm"], ["illegal", "Against the law"], ["other", "Something else"],
];

/** @param {object} about `{room, seq}`, or `{person}` */
export function report(chat, about) {
  dialog("Report", (body, close) => {
    const reason = h("select.input", { id: "report-reason" }, REASONS.map(([value, words]) => h("option", { value }, words)));
    const note = field("What should they know?", { rows: 3, maxlength: 1000 });
    const send = async (event) => {
      event.preventDefault();
      const wanted = { ...about, reason: reason.value, note: note.input.value };
      if (!(await attempt(() => chat.change("POST", "/v1/reports", wanted)))) return;
      close(); // first: a notice goes into the dialog that is open
      tell("Reported. Thank you.");
    };
    body.append(h("form", { onsubmit: send },
      h("p.hint", {}, "Nobody whom you report learns of it."),
      h("div.field", {}, h("label", { for: "report-reason" }, "What is wrong with it"), reason), note.element,
      h("div.dialog-actions", {}, button("Cancel", close), button("Send the report", null, "primary"))));
  }, "small");
}
