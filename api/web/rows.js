// From a log to the rows of a screen: days, groups of one author, the unread divider, notes, what is being sent.
// Owns what stands next to what. Must never make an element.

import { dayKey } from "./dates.js";

const GROUP_MS = 5 * 60_000;
const NOTES = new Set(["join", "leave", "kick", "role", "settings", "pin", "unpin", "event", "silence", "unsilence"]);

/**
 * @param {object[]} items of a log, in order
 * @param {object[]} wishes of the room's outbox, in order
 * @param {{me: string, unreadAfter: number|null, direct: boolean}} view `direct`: two people, who need not be told that they
 *   are there
 * @returns {{type: "day"|"unread"|"note"|"message", key: string}[]} `key` stays the same while a row is the same
 */
export function rows(items, wishes, view) {
  const found = [];
  let last = null;
  let divided = view.unreadAfter === null;
  const changing = new Map(wishes.filter((wish) => wish.frame[0] !== 5).map((wish) => [wish.frame[3], wish]));
  const add = (row, author, at) => {
    const day = dayKey(at);
    if (!last || last.day !== day) found.push({ type: "day", key: `day:${day}`, at });
    if (!divided && row.seq > view.unreadAfter && author !== view.me) {
      if (found.some((one) => one.type === "message" || one.type === "note")) found.push({ type: "unread", key: "unread" });
      divided = true;
    }
    const before = found.at(-1);
    row.first = !(before.type === "message" && before.author === author && at - before.at < GROUP_MS);
    row.last = true;
    if (row.type === "message" && !row.first) before.last = false;
    found.push(row);
    last = { day };
  };
  for (const item of items) {
    if (item.kind === "post") add(message(item, view.me, changing.get(item.seq)), item.author, item.at);
    else if (NOTES.has(item.kind) && !(view.direct && item.kind === "join") && !gathered(found.at(-1), item)) {
      add({ type: "note", key: `s:${item.seq}`, seq: item.seq, item, subjects: [item.subject] }, item.author, item.at);
    }
  }
  const there = new Set(items.filter((item) => item.author === view.me).map((item) => item.clientId));
  for (const wish of wishes) {
    if (wish.frame[0] === 5 && !there.has(wish.clientId)) add(sending(wish, view.me), view.me, wish.at);
  }
  return found;
}

/** Whoever is added right after somebody else by the same person stands in the same line. */
function gathered(before, item) {
  const adds = (one) => one.kind === "join" && one.author !== one.subject;
  if (before?.type !== "note" || !adds(before.item) || !adds(item) || before.item.author !== item.author) return false;
  before.subjects.push(item.subject);
  return true;
}

function message(item, me, change) {
  return {
    type: "message", key: item.author === me ? `c:${item.clientId}` : `s:${item.seq}`, seq: item.seq, at: item.at,
    author: item.author, mine: item.author === me, item, state: change ? "changing" : "sent",
  };
}

function sending(wish, me) {
  const [, room, clientId, text, mentions, , replyTo, attachments] = wish.frame;
  const item = {
    seq: null, room, clientId, author: me, at: wish.at, body: { text, mentions, reply_to: replyTo, attachments }, edited: false,
    deleted: false, reactions: new Map(),
  };
  const state = wish.state === "failed" ? "failed" : "sending";
  return { type: "message", key: `c:${clientId}`, seq: Infinity, at: wish.at, author: me, mine: true, item, state, wish };
}
