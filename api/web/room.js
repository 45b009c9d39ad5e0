// The room on the screen: its head, its messages, the composer.
// Owns what is looked at and therefore read. Must never fold or send: the chat does.

import { attempt } from "./announce.js";
import { summary } from "./attachments.js";
import { composerView } from "./composer.js";
import { full } from "./dates.js";
import { details } from "./details.js";
import { fill, h, keyed, say } from "./dom.js";
import { icon } from "./icons.js";
import { print, rowElement } from "./message.js";
import { spoken } from "./order.js";
import { button, face, iconButton } from "./parts.js";
import { rows } from "./rows.js";
import { Scroll } from "./scroll.js";
import { sheet } from "./sheet.js";

/** @param {import("./chat.js").Chat} chat @param {{back: () => void, event: (id: string) => void}} go */
export function roomView(chat, go) {
  let id = null;
  let unreadAfter = null;
  let wanted = null;
  let shown = [];
  const title = h("h2.room-head-title", { tabindex: "-1" });
  const below = h("p.room-head-note");
  const who = h("button.room-head-who", { type: "button", onclick: () => details(chat, line(), jump, go.back) });
  const gathering = iconButton("calendar", "The event of this room", () => go.event(id), { hidden: true });
  const head = h("header.room-head", {}, iconButton("back", "Back to the rooms", go.back, { class: "icon-button only-narrow" }), who,
    gathering,
    iconButton("info", "About this room", () => details(chat, line(), jump, go.back)));
  const pin = h("button.pin", { type: "button", hidden: true });
  const list = h("ol.messages");
  const note = h("p.log-note", { role: "status" });
  const pane = h("div.log", { tabindex: "0", role: "region", "aria-label": "Messages", onkeydown: arrows }, note, list);
  const down = iconButton("down", "To the newest messages", newest, { class: "icon-button to-end", hidden: true });
  const foot = h("div.foot");
  const element = h("main.pane", { "aria-label": "Room" });
  const scroll = new Scroll(pane, edge);
  const does = { act, reply, react, jump, retry: (row) => chat.sender.retry(row.item.clientId), discard };
  const show = keyed(list, (row) => row.key, (row) => print(chat, line(), row), (row) => rowElement(chat, line(), row, does));
  const composer = composerView({
    upload: (...picture) => chat.media.upload(...picture),
    send: (text, replyTo, attachments) => {
      scroll.atEnd = true;
      if (!chat.stretches.live(id)) chat.stretches.newest(id);
      chat.post(id, text, mentioned(text), replyTo, attachments);
    },
    edit: (row, text) => text !== row.item.body.text && chat.edit(id, row.item.seq, text, mentioned(text)),
    types: () => chat.types(id),
    last: () => shown.findLast((row) => row.mine && row.item.seq && !row.item.deleted) ?? null,
  });

  const line = () => chat.roster.rooms.get(id);

  /** Show a room, at a message or at what is new. */
  async function open(room, seq = null) {
    const opened = chat.roster.rooms.get(room);
    id = room;
    shown = [];
    show([]);
    composer.move(room);
    unreadAfter = opened?.unread ? opened.read : null;
    wanted = seq ?? (opened?.unread ? "unread" : null);
    scroll.atEnd = wanted === null;
    chat.changed();
    if (!opened || opened.role === "invited") return;
    if (seq) await find(seq);
    else await chat.stretches.open(room);
    if (id !== room) return;
    attempt(() => Promise.all([chat.loadPins(room), chat.people.ofRoom(room), chat.order.load(room)]));
    if (seq === null && matchMedia("(pointer: fine)").matches) composer.focus();
  }

  function find(seq) {
    const log = chat.stretches.log(id);
    return log?.loaded && log.find(seq) ? Promise.resolve(chat.changed()) : chat.stretches.around(id, seq);
  }

  async function jump(seq) {
    wanted = seq;
    scroll.atEnd = false;
    await find(seq);
  }

  function edge(which) {
    if (!id) return;
    if (which === "start") chat.stretches.older(id);
    else chat.stretches.newer(id);
    look();
  }

  async function newest() {
    wanted = null;
    unreadAfter = null;
    if (!chat.stretches.live(id)) await chat.stretches.newest(id);
    scroll.end();
    look();
  }

  /** What stands at the end of the screen, before somebody's eyes, is read. */
  function look() {
    down.hidden = scroll.atEnd && chat.stretches.live(id);
    const seen = document.visibilityState === "visible" && document.hasFocus();
    if (id && seen && scroll.atEnd && chat.stretches.live(id)) chat.reads(id);
  }

  function render() {
    const room = id && line();
    element.classList.toggle("is-empty", !room);
    if (!room) return nothing();
    if (head.parentNode !== element) fill(element, head, pin, h("div.log-frame", {}, pane, down), foot);
    heading(room);
    pinned();
    const log = chat.stretches.log(id);
    const wishes = chat.stretches.live(id) ? chat.sender.outbox.of(id) : [];
    shown = log?.loaded ? rows(log.items, wishes, { me: chat.me, unreadAfter, direct: room.kind === "direct" }) : [];
    scroll.keep(() => show(shown));
    say(note, noteOf(room, log));
    footing(room);
    if (wanted !== null && log?.loaded) turn();
    // A first page that does not fill the screen has no edge to come near to.
    if (log?.loaded && log.more && pane.scrollHeight <= pane.clientHeight) chat.stretches.older(id);
    look();
    return null;
  }

  function turn() {
    const target = wanted === "unread" ? list.querySelector(".unread") : list.querySelector(`[data-seq="${wanted}"]`);
    if (target) scroll.show(target);
    else scroll.end();
    if (target?.dataset.seq) {
      target.classList.add("found");
      target.focus({ preventScroll: true });
    }
    wanted = null;
  }

  function heading(room) {
    const name = chat.title(room);
    gathering.hidden = room.kind !== "event";
    const there = chat.presence.state(room.peer?.id, Date.now());
    const print = JSON.stringify([name, room.kind, room.peer, room.id, there]);
    if (who.dataset.print !== print) {
      who.dataset.print = print;
      say(title, name);
      fill(who, face(room.kind === "direct" ? (room.peer?.id ?? id) : id, name, room.kind === "direct" ? "round" : "square", there),
        h("span.room-head-text", {}, h("bdi", {}, title), below));
      who.setAttribute("aria-label", `About ${name}`);
    }
    const typers = chat.typers(id).map((one) => chat.people.get(one).name);
    below.classList.toggle("typing", typers.length > 0);
    const handle = room.peer ? `@${room.peer.handle}` : "";
    say(below, typers.length ? `${typers.slice(0, 2).join(" and ")} ${typers.length > 1 ? "are" : "is"} typing…`
      : (room.peer && chat.presence.words(room.peer.id, Date.now())) || handle || crowd(room));
  }

  function crowd(room) {
    const online = chat.presence.online(room.id, chat.people.members.get(room.id));
    const people = `${room.members} ${room.members === 1 ? "person" : "people"}`;
    return online === null ? people : `${people} · ${online} online`;
  }

  function pinned() {
    const newest = chat.pins.get(id)?.[0];
    pin.hidden = !newest;
    if (!newest) return;
    pin.onclick = () => jump(newest.message.seq);
    const text = summary(newest.message.body);
    if (pin.dataset.text === text) return;
    pin.dataset.text = text;
    fill(pin, icon("pin"), h("span.unseen", {}, "Pinned: "), h("span.pin-text", { dir: "auto" }, text));
  }

  /** The composer, or what stands in its place. */
  function footing(room) {
    const kind = room.role === "invited" ? "invited" : room.archived ? "archived"
      : room.kind === "announcement" && room.role === "member" ? "listen" : room.request ? "request" : "write";
    const silenced = kind === "write" ? chat.order.silenced(id, Date.now()) : 0;
    const slow = room.role === "member" ? chat.order.slow(id) : 0;
    composer.hint(slow ? `Slow mode: one message every ${spoken(slow)}` : "");
    if (foot.dataset.kind === `${kind}${id}${silenced}`) return;
    foot.dataset.kind = `${kind}${id}${silenced}`;
    const act = (method, path, label, style) => button(label, () => attempt(() => chat.change(method, path)), style);
    const at = `/v1/rooms/${id}`;
    if (silenced) fill(foot, h("p.ask", { role: "status" }, `You may write nothing here until ${full(silenced)}.`));
    else if (kind === "write") fill(foot, composer.element);
    else if (kind === "invited") {
      fill(foot, h("div.ask", {}, h("p", {}, "You are invited to this room."),
        act("POST", `${at}/leave`, "Decline", "plain"), act("POST", `${at}/join`, "Join", "primary")));
    } else if (kind === "request") {
      const peer = room.peer?.id;
      fill(foot, h("div.ask", {}, h("p", {}, "They are none of your contacts. They do not learn whether you have read this."),
        act("PUT", `/v1/me/blocks/${peer}`, "Block", "plain"), act("POST", `${at}/accept`, "Accept", "primary")));
    } else fill(foot, h("p.ask", {}, kind === "archived" ? "This room is archived." : "Only those who run this room write here."));
  }

  function nothing() {
    if (element.querySelector(".empty")) return;
    fill(element, h("div.empty", {}, h("span.brand-mark", { "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      h("p", {}, "Choose a room, or make one.")));
  }

  function noteOf(room, log) {
    if (room.role === "invited") return "";
    if (log?.failed) return log.failed;
    if (!log?.loaded) return "Loading…";
    if (!shown.length && !log.more) return "Nothing here yet. Say hello.";
    return log.more ? "" : "This is where the room begins.";
  }

  /** @handles of people here, as ids. */
  function mentioned(text) {
    const handles = new Set([...text.matchAll(/@([A-Za-z0-9_.-]{3,32})/g)].map(([, handle]) => handle.toLowerCase()));
    const ids = (chat.people.members.get(id) ?? []).filter((one) => handles.has(one.handle.toLowerCase())).map((one) => one.id);
    return ids.length ? ids.slice(0, 50) : null;
  }

  function reply(row) {
    composer.reply(row, row.mine ? "yourself" : chat.people.get(row.author).name);
  }

  function react(row, emoji) {
    chat.react(id, row.item.seq, emoji, !row.item.reactions.get(emoji)?.mine);
  }

  function act(row) {
    sheet(chat, line(), row, {
      reply: () => reply(row), edit: () => composer.edit(row), react: (emoji) => react(row, emoji),
    });
  }

  function discard(row) {
    chat.sender.discard(row.item.clientId);
    chat.changed();
  }

  /** Up and down go from message to message; the tools of the one reached are next with Tab. */
  function arrows(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.target.closest("dialog")) return;
    const all = [...list.querySelectorAll(".message")];
    const now = all.indexOf(document.activeElement.closest(".message"));
    const next = now < 0 ? all.at(-1) : all[now + step];
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  return { element, open, render, look, focus: () => title.focus(), get id() { return id; }, close: () => (id = null) };
}
