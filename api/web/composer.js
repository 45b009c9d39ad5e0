// Where one writes: a text that grows, a reply or an edit above it, pictures, emoji.
// Owns the draft of each room while the page lives. Must never send: it hands on what is finished.

import { summary } from "./attachments.js";
import { fill, h } from "./dom.js";
import { dialog } from "./dialog.js";
import { emojiGrid } from "./emoji.js";
import { icon } from "./icons.js";
import { iconButton } from "./parts.js";
import { tray } from "./tray.js";

const CHARS = 8000;
const WARN_FROM = 7500;

/**
 * @param {{send: (text: string, replyTo: number|null, attachments: string[]|null) => void,
 *   edit: (row: object, text: string) => void, upload: (...picture: unknown[]) => Promise<string>,
 *   types: () => void, last: () => object|null}} does `last`: my newest message, to edit
 */
export function composerView(does) {
  const drafts = new Map();
  let hinted = "";
  let room = null;
  let about = null;
  const text = h("textarea.composer-text", {
    rows: 1, placeholder: "Message", "aria-label": "Message", dir: "auto", enterkeyhint: "send",
    oninput: () => changed(true), onkeydown: key, onpaste: (event) => drop(event, event.clipboardData),
  });
  const context = h("div.context", { hidden: true });
  const left = h("p.left", { role: "status" });
  const send = h("button.send", { type: "submit", "aria-label": "Send", title: "Send" }, icon("send"));
  const pictures = tray(does.upload, { changed: () => changed(false), removed: () => text.focus() });
  const attach = iconButton("picture", "Attach pictures", pictures.choose);
  const element = h("form.composer", {
    onsubmit: finish, ondragover: (event) => event.preventDefault(), ondrop: (event) => drop(event, event.dataTransfer),
  }, context, pictures.element,
  h("div.composer-row", {}, iconButton("smile", "Emoji", choose), attach, text, send), left);

  function changed(typed) {
    text.style.height = "auto";
    // Not on the screen yet: it has no height to speak of.
    if (text.scrollHeight) text.style.height = `${Math.min(text.scrollHeight, 200)}px`;
    const count = [...text.value].length;
    left.textContent = count > WARN_FROM ? `${CHARS - count} characters left` : hinted;
    left.classList.toggle("wrong", count > CHARS);
    attach.disabled = Boolean(about?.edits);
    const sendable = text.value.trim() || (pictures.any && !about?.edits);
    send.disabled = !sendable || count > CHARS || (!about?.edits && !pictures.settled);
    if (typed && text.value.trim()) does.types();
  }

  function key(event) {
    // A return that ends the composition of a character is not one that sends; on touch there is a button.
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) finish(event);
    else if (event.key === "Escape" && about) turn(null);
    else if (event.key === "ArrowUp" && !text.value && does.last()) turn({ edits: does.last() });
  }

  function finish(event) {
    event.preventDefault();
    const words = text.value.trim();
    if (send.disabled) return;
    const { edits, replies } = about ?? {};
    if (edits) does.edit(edits, words);
    else does.send(words, replies?.item.seq ?? null, pictures.take());
    text.value = "";
    turn(null);
    changed(false);
    text.focus();
  }

  function turn(now, name = "") {
    if (about?.edits && !now) text.value = "";
    about = now;
    context.hidden = !now;
    if (!now) return changed(false);
    const { item } = now.edits ?? now.replies;
    const label = now.edits ? "Editing" : `Reply to ${name}`;
    fill(context, icon(now.edits ? "edit" : "reply"),
      h("span.context-text", {}, h("b", {}, label), h("span", { dir: "auto" }, summary(item.body))),
      iconButton("close", "Cancel", () => turn(null)));
    if (now.edits) text.value = item.body.text ?? "";
    changed(false);
    text.focus();
    return null;
  }

  /** Files that are pasted or dropped; text goes its usual way. */
  function drop(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    if (!about?.edits) pictures.add([...files]);
  }

  function choose() {
    dialog("Emoji", (body, close) => {
      body.append(emojiGrid((emoji) => {
        close();
        text.setRangeText(emoji, text.selectionStart, text.selectionEnd, "end");
        changed(true);
        text.focus();
      }));
    }, "sheet");
  }

  /** Another room: what was begun in the last one waits there. */
  function move(to) {
    if (to === room) return;
    if (room) drafts.set(room, { text: about?.edits ? "" : text.value });
    about = null;
    context.hidden = true;
    room = to;
    text.value = drafts.get(to)?.text ?? "";
    pictures.move(to);
    changed(false);
  }

  /** What is to be known before one writes. */
  function hint(words) {
    if (words === hinted) return;
    hinted = words;
    changed(false);
  }

  return {
    element, move, hint, reply: (row, name) => turn({ replies: row }, name), edit: (row) => turn({ edits: row }),
    focus: () => text.focus(),
  };
}
