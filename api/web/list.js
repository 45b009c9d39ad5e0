// The left side: who I am, what I look for, my rooms.
// Owns the list of rooms and the search field above it. Must never change a room.

import { brief } from "./dates.js";
import { fill, h, keyed, say } from "./dom.js";
import { icon } from "./icons.js";
import { face, iconButton } from "./parts.js";
import { found } from "./search.js";

const COUNTED = 99;
const SEARCH_AFTER_MS = 350;

/**
 * @param {import("./chat.js").Chat} chat
 * @param {{open: (room: string, seq?: number) => void, make: () => void, contacts: () => void, account: () => void,
 *   events: () => void}} go
 */
export function listView(chat, go) {
  const mine = h("button.me", { type: "button", "aria-label": "My account", onclick: go.account });
  const asking = h("span.badge.quiet", { hidden: true });
  const people = iconButton("people", "People and requests", go.contacts);
  people.append(asking);
  const query = h("input.search-input", {
    type: "search", placeholder: "Search", "aria-label": "Search rooms and messages", autocomplete: "off", maxlength: 200,
    oninput: () => looks(SEARCH_AFTER_MS), onkeydown: (event) => event.key === "Enter" && looks(0),
  });
  const rooms = h("ul.rooms");
  const requests = h("ul.rooms");
  const requestsTitle = h("h2.list-title", { hidden: true }, "Requests");
  const empty = h("div.empty.small", { hidden: true });
  const hits = h("div.hits", { hidden: true });
  const nav = h("nav.rooms-nav", { "aria-label": "Rooms" }, requestsTitle, requests, rooms, empty);
  const element = h("aside.side", { "aria-label": "Rooms and search" },
    h("header.side-head", {}, mine, h("h1.side-title", {}, "Chats"), iconButton("calendar", "Events", go.events), people,
      iconButton("plus", "New room", go.make)),
    h("div.search", { role: "search" }, icon("search"), query), hits, nav);

  const line = { key: (room) => room.id, print, make: (room) => roomLine(chat, room, now.open, () => go.open(room.id)) };
  const showRooms = keyed(rooms, line.key, line.print, line.make);
  const showRequests = keyed(requests, line.key, line.print, line.make);
  const now = { open: null };
  let timer = null;

  function print(room) {
    const { unread, mentions, last_message: last, muted_until_ms: muted, role, members, title, archived } = room;
    const typer = chat.typers(room.id).map((id) => chat.people.get(id).name);
    const by = last ? chat.people.get(last.author).name : "";
    return JSON.stringify([unread, mentions, last, muted, role, members, title, archived, room.peer, typer, by,
      room.id === now.open, brief(room.last_at_ms, Date.now()), isMuted(room), chat.presence.words(room.peer?.id, Date.now()),
      chat.presence.state(room.peer?.id, Date.now())]);
  }

  function looks(after) {
    clearTimeout(timer);
    timer = setTimeout(() => found(hits, chat, query.value.trim(), go.open), after);
    render(now.open);
  }

  function render(open) {
    now.open = open;
    const words = query.value.trim().toLowerCase();
    const all = chat.roster.lines().filter((room) => !words || chat.title(room).toLowerCase().includes(words));
    const asked = all.filter((room) => room.request || room.role === "invited");
    showRequests(asked);
    showRooms(all.filter((room) => !asked.includes(room)));
    requestsTitle.hidden = !asked.length;
    hits.hidden = !words;
    empty.hidden = all.length > 0 || !chat.roster.loaded;
    if (!empty.hidden) {
      say(empty, words ? "No room is called that." : "No rooms yet. The plus above makes one, or finds one to join.");
    }
    const name = chat.profile.name || "…";
    if (mine.dataset.name !== name) {
      mine.dataset.name = name;
      fill(mine, face(chat.me, name));
    }
    const waiting = [...chat.contacts.values()].filter((one) => one.state === "incoming").length;
    asking.hidden = !waiting;
    say(asking, String(waiting));
    people.setAttribute("aria-label", waiting ? `People and requests, ${waiting} waiting` : "People and requests");
  }

  return { element, render, focus: () => query.focus() };
}

export function isMuted(room) {
  return (room.muted_until_ms ?? 0) > Date.now() || room.level === "none";
}

function roomLine(chat, room, open, onclick) {
  const title = chat.title(room);
  const typer = chat.typers(room.id)[0];
  const preview = typer ? h("span.preview.typing", {}, `${chat.people.get(typer).name} is typing…`)
    : h("span.preview", { dir: "auto" }, previewOf(chat, room));
  const unread = room.unread > 0 && room.role !== "invited";
  const there = room.peer ? chat.presence.words(room.peer.id, Date.now()) : "";
  const label = [title, there, unread && `${room.unread} unread`, room.mentions && `${room.mentions} mentions`]
    .filter(Boolean).join(", ");
  return h("li", {}, h("button.room", {
    type: "button", onclick, "aria-current": room.id === open ? "page" : null, "data-room": room.id, "aria-label": label,
  },
  face(room.kind === "direct" ? (room.peer?.id ?? room.id) : room.id, title, room.kind === "direct" ? "round" : "square",
    chat.presence.state(room.peer?.id, Date.now())),
  h("span.room-text", {},
    h("span.room-top", {}, h("bdi.room-title", {}, title), isMuted(room) && icon("mute"),
      h("time.room-time", {}, room.last_at_ms ? brief(room.last_at_ms, Date.now()) : "")),
    h("span.room-bottom", {}, preview,
      room.mentions > 0 && h("span.badge.mentioned", {}, "@"),
      unread && h(`span.badge${isMuted(room) ? ".quiet" : ""}`, {}, counted(room.unread))))));
}

function counted(unread) {
  return unread > COUNTED ? `${COUNTED}+` : String(unread);
}

function previewOf(chat, room) {
  if (room.role === "invited") return "You are invited";
  const last = room.last_message;
  if (!last) return room.kind === "direct" ? "Say hello" : "Nothing said yet";
  const text = last.text === null ? "Message deleted" : last.text || "Attachment";
  if (last.author === chat.me) return `You: ${text}`;
  return room.kind === "direct" ? text : `${chat.people.get(last.author).name}: ${text}`;
}
