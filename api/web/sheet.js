// What can be done with a message: react, reply, copy, edit, pin, delete.
// Owns which of it is offered to whom; the server decides again.

import { attempt } from "./announce.js";
import { summary } from "./attachments.js";
import { confirm, dialog } from "./dialog.js";
import { full } from "./dates.js";
import { h } from "./dom.js";
import { emojiGrid, quickRow } from "./emoji.js";
import { icon } from "./icons.js";
import { report } from "./report.js";

/** @param {{reply: () => void, edit: () => void, react: (emoji: string) => void}} does */
export function sheet(chat, room, row, does) {
  const { item, mine } = row;
  const pinned = (chat.pins.get(room.id) ?? []).some((pin) => pin.message.seq === item.seq);
  const ranks = room.role === "owner" || room.role === "moderator";
  dialog("Message", (body, close) => {
    const act = (name, label, work, kind = "") => h(`button.action${kind}`, {
      type: "button", onclick: () => {
        close();
        work();
      },
    }, icon(name), label);
    const choose = (emoji) => {
      close();
      does.react(emoji);
    };
    const pin = () => attempt(() =>
      chat.change(pinned ? "DELETE" : "PUT", `/v1/rooms/${room.id}/pins/${item.seq}`).then(() => chat.loadPins(room.id)));
    const copy = () => attempt(() => navigator.clipboard.writeText(item.body.text ?? ""), "Copied.");
    const remove = async () => {
      if (await confirm("Delete this message?", "It will be gone for everybody.", "Delete")) chat.remove(room.id, item.seq);
    };
    body.append(
      h("blockquote.sheet-quote", { dir: "auto" }, summary(item.body)),
      quickRow(choose, (emoji) => item.reactions.get(emoji)?.mine ?? false),
      h("details.more-emoji", {}, h("summary", {}, "More emoji"), emojiGrid(choose)),
      h("div.actions", {}, 
        act("reply", "Reply", does.reply),
        act("copy", "Copy text", copy),
        mine && act("edit", "Edit", does.edit),
        (ranks || room.kind === "direct") && act("pin", pinned ? "Unpin" : "Pin", pin),
        (mine || ranks) && act("trash", "Delete", remove, ".danger"),
        !mine && act("flag", "Report", () => report(chat, { room: room.id, seq: item.seq }), ".danger")),
      h("p.hint", {}, seenText(chat, room, row)));
  }, "sheet");
}

function seenText(chat, room, { item, mine }) {
  const readers = mine ? chat.pointers.readers(room.id, item.seq).map((id) => chat.people.get(id).name) : [];
  return `${full(item.at)}${readers.length ? ` · Read by ${readers.join(", ")}` : ""}`;
}

