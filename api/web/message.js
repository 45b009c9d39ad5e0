// One row of a room: a message with its author, reply, reactions and state; a day; a note; the unread divider.
// Owns how each looks as an element. Must never know where on the screen it stands.

import { attachments, summary } from "./attachments.js";
import { clock, dayLabel, full } from "./dates.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { spoken } from "./order.js";
import { face, iconButton } from "./parts.js";
import { isBigEmoji, prose } from "./prose.js";

const STATES = { sending: "Sending", failed: "Not sent", changing: "Changing" };

/** All that the element of a row shows, as text: it is made anew when this differs. */
export function print(chat, room, row) {
  if (row.type === "day") return dayLabel(row.at, Date.now());
  if (row.type === "unread") return "";
  const { item } = row;
  const names = [item.author, ...(row.subjects ?? [])].map((id) => id && chat.people.get(id).name);
  if (row.type === "note") return JSON.stringify([names, item.body]);
  const quoted = item.body.reply_to ? quote(chat, room, item.body.reply_to) : null;
  return JSON.stringify([row.first, row.last, row.state, item.seq, item.body, item.edited, item.deleted, names,
    [...item.reactions], quoted, seen(chat, room, row), row.wish?.reason,
    (item.body.attachments ?? []).map((id) => chat.media.print(id))]);
}

/**
 * @param {{act: (row: object) => void, reply: (row: object) => void, react: (row: object, emoji: string) => void,
 *   jump: (seq: number) => void, retry: (row: object) => void}} does
 */
export function rowElement(chat, room, row, does) {
  if (row.type === "day") return h("li.day", {}, h("span", {}, dayLabel(row.at, Date.now())));
  if (row.type === "unread") return h("li.unread", {}, h("span", {}, "New messages"));
  if (row.type === "note") return h("li.note", {}, h("span", { dir: "auto" }, noteText(chat, row)));
  return messageElement(chat, room, row, does);
}

function messageElement(chat, room, row, does) {
  const { item, mine } = row;
  const author = chat.people.get(item.author);
  const isGroup = room.kind !== "direct";
  const classes = ["message", mine ? "mine" : "theirs", row.first && "first", row.last && "last", row.state,
    item.deleted && "deleted"].filter(Boolean).join(".");
  const who = mine ? "You" : author.name;
  return h(`li.${classes}`, { tabindex: "-1", "data-key": row.key, "data-seq": item.seq ?? "" },
    !mine && isGroup && (row.last ? face(author.id, author.name) : h("span.face-space")),
    h("div.message-body", {},
      row.first && !mine && isGroup ? h("bdi.author", {}, who) : h("span.unseen", {}, `${who}:`),
      h("div.bubble-row", {}, bubble(chat, room, row, does), item.seq && !item.deleted && tools(row, does, who)),
      reactions(chat, row, does),
      row.state === "failed" && failedLine(row, does)));
}

function bubble(chat, room, row, does) {
  const { item } = row;
  const text = item.body.text ?? "";
  const big = isBigEmoji(text) && !item.body.reply_to;
  const here = (handle) => [...chat.people.known.values()].some((one) => one.handle.toLowerCase() === handle);
  return h(`div.bubble${big ? ".big" : ""}`, {},
    item.body.reply_to && replyQuote(chat, room, item.body.reply_to, does),
    attachments(chat, item.body.attachments),
    item.deleted ? h("p.text", {}, "This message was deleted") : text && h("p.text", { dir: "auto" }, prose(text, here)),
    h("span.meta", {}, item.edited && h("span", {}, "edited"), h("time", { title: full(item.at) }, clock(item.at)),
      row.mine && stateIcon(chat, room, row)));
}

function stateIcon(chat, room, row) {
  const readers = seen(chat, room, row);
  const name = { sending: "waiting", changing: "waiting", failed: "failed" }[row.state] ?? (readers ? "checks" : "check");
  const label = STATES[row.state] ?? (readers ? "Read" : "Sent");
  return h(`span.state${readers ? ".seen" : ""}`, {}, icon(name), h("span.unseen", {}, label));
}

/** How many are known to have read my message. */
function seen(chat, room, row) {
  return row.mine && row.item.seq ? chat.pointers.readers(room.id, row.item.seq).length : 0;
}

function quote(chat, room, seq) {
  const item = chat.stretches.log(room.id)?.find(seq);
  if (!item) return { name: "", text: "An earlier message" };
  return { name: item.author === chat.me ? "You" : chat.people.get(item.author).name,
    text: item.deleted ? "This message was deleted" : summary(item.body) };
}

function replyQuote(chat, room, seq, does) {
  const { name, text } = quote(chat, room, seq);
  return h("button.quote", { type: "button", onclick: () => does.jump(seq) }, h("span.unseen", {}, "In reply to "),
    name && h("bdi.quote-name", {}, name), h("span.quote-text", { dir: "auto" }, text));
}

function tools(row, does, who) {
  return h("div.tools", {}, iconButton("reply", `Reply to ${who}`, () => does.reply(row), { "data-focus": "reply" }),
    iconButton("more", `More about the message of ${who}`, () => does.act(row), { "data-focus": "more", "aria-haspopup": "dialog" }));
}

function reactions(chat, row, does) {
  if (!row.item.reactions.size) return null;
  return h("div.reactions", {}, [...row.item.reactions].map(([emoji, { count, mine }]) => h("button.reaction", {
    type: "button", "aria-pressed": String(mine), "data-focus": `r-${emoji}`,
    "aria-label": `${emoji}, ${count}${mine ? ", one of them mine" : ""}`, onclick: () => does.react(row, emoji),
  }, emoji, h("span.reaction-count", {}, String(count)))));
}

function failedLine(row, does) {
  return h("p.failed-line", {}, h("span", {}, `Not sent: ${row.wish?.reason ?? ""}`),
    h("button.button.link", { type: "button", onclick: () => does.retry(row) }, "Try again"),
    h("button.button.link", { type: "button", onclick: () => does.discard(row) }, "Discard"));
}

function noteText(chat, { item: { kind, author, subject, body }, subjects }) {
  const who = (id) => (id === chat.me ? "You" : chat.people.get(id).name);
  const [by, about] = [who(author), subject ? who(subject) : ""];
  const added = together(subjects.map((id) => (id === chat.me ? "you" : who(id))));
  const is = about === "You" ? "are" : "is";
  if (kind === "join") return author === subject ? `${by} joined` : `${by} added ${added}`;
  if (kind === "leave") return `${about || by} left`;
  if (kind === "kick") return `${by} removed ${about === "You" ? "you" : about}`;
  if (kind === "role") return `${about} ${is} now ${body.role}`;
  if (kind === "pin") return `${by} pinned a message`;
  if (kind === "unpin") return `${by} unpinned a message`;
  if (kind === "event") return eventNote(by, body);
  if (kind === "silence") return `${by} silenced ${about === "You" ? "you" : about} until ${full(body.until_ms)}`;
  if (kind === "unsilence") return `${about} may write again`;
  if ("slow_s" in body) return body.slow_s ? `${by} turned slow mode on: one message every ${spoken(body.slow_s)}` : `${by} turned slow mode off`;
  if (body.title) return `${by} named the room “${body.title}”`;
  if (body.archived) return `${by} archived the room`;
  return `${by} changed the room`;
}

const STAGES = {
  scheduled: "The event was made", doors_open: "The doors are open", live: "The event has begun", ended: "The event is over",
  cancelled: "The event was called off",
};
const TIMES = ["doors_at_ms", "starts_at_ms", "ends_at_ms", "zone"];
const PLACES = ["place_name", "address", "point", "fence"];

function eventNote(by, { state, changed }) {
  if (!changed?.length) return STAGES[state] ?? "The event has changed";
  const what = changed.some((name) => TIMES.includes(name)) ? "when the event is"
    : changed.some((name) => PLACES.includes(name)) ? "where the event is" : "the event";
  return `${by} changed ${what}`;
}

/** "Ada, Bob and 3 more". */
function together(names) {
  if (names.length < 2) return names[0] ?? "";
  const [shown, rest] = names.length > 4 ? [names.slice(0, 3), `${names.length - 3} more`] : [names.slice(0, -1), names.at(-1)];
  return `${shown.join(", ")} and ${rest}`;
}
