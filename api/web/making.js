// Making a room, or finding one to join.
// Owns the dialog and its three ways. Must never decide who may: the server answers.

import { attempt } from "./announce.js";
import { dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { finder } from "./finder.js";
import { button, face, field } from "./parts.js";

/** @param {(room: string) => void} open */
export function making(chat, open) {
  dialog("New chat", (body, close) => {
    const made = (room) => {
      close();
      open(room);
    };
    const ways = { Person: person, Group: group, "Public room": publicRoom, Browse: browse };
    const panel = h("div.panel", { id: "making-panel", role: "tabpanel", tabindex: "0" });
    const tabs = Object.entries(ways).map(([label, way], place) => h("button.tab", {
      type: "button", role: "tab", id: `making-${place}`, "aria-controls": "making-panel", onclick: () => turn(place, way),
    }, label));
    const turn = (place, way) => {
      tabs.forEach((tab, one) => {
        tab.setAttribute("aria-selected", String(one === place));
        tab.tabIndex = one === place ? 0 : -1;
      });
      panel.setAttribute("aria-labelledby", `making-${place}`);
      fill(panel, way(chat, made));
    };
    const row = h("div.tabs", { role: "tablist", "aria-label": "Kind of chat", onkeydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    } }, tabs);
    body.append(row, panel);
    turn(0, person);
  });
}

function person(chat, made) {
  const talk = async (one) => {
    const room = await attempt(() => chat.change("POST", "/v1/rooms", { kind: "direct", peer: one.id }));
    if (room) made(room.id);
  };
  return finder(chat, "Handle or name", (one) => [button("Message", () => talk(one), "primary")]).element;
}

function group(chat, made) {
  const chosen = new Map();
  const title = field("Name of the group", { required: true, maxlength: 100 });
  const list = h("ul.chips", { "aria-label": "People in the group" });
  const show = () => fill(list, [...chosen.values()].map((one) => h("li.chip", {}, one.name, h("button.chip-close", {
    type: "button", "aria-label": `Without ${one.name}`, onclick: () => drop(one),
  }, "×"))));
  const drop = (one) => {
    chosen.delete(one.id);
    show();
  };
  const search = finder(chat, "Add people", (one) => [button("Add", () => {
    chosen.set(one.id, one);
    show();
  })]);
  return h("form", { onsubmit: (event) => {
    event.preventDefault();
    make(chat, made, title, { kind: "group", people: [...chosen.keys()] });
  } }, title.element, list, search.element, h("div.dialog-actions", {}, button("Make the group", null, "primary")));
}

function publicRoom(chat, made) {
  const title = field("Name of the room", { required: true, maxlength: 100 }, "Anyone may find and join it.");
  const topic = field("Topic", { maxlength: 500 });
  return h("form", { onsubmit: (event) => {
    event.preventDefault();
    make(chat, made, title, { kind: "public", topic: topic.input.value });
  } }, title.element, topic.element, h("div.dialog-actions", {}, button("Make the room", null, "primary")));
}

async function make(chat, made, title, wanted) {
  const name = title.input.value.trim();
  if (!name) return title.fail("A room has a name.");
  title.fail("");
  try {
    const room = await chat.change("POST", "/v1/rooms", { ...wanted, title: name });
    return made(room.id);
  } catch (error) {
    return title.fail(error.message);
  }
}

function browse(chat, made) {
  const list = h("ul.people");
  const more = button("More rooms", () => load(cursor), "link");
  const said = h("p.hint", { role: "status" }, "Looking…");
  let cursor = null;
  const join = async (room) => {
    if (await attempt(() => chat.change("POST", `/v1/rooms/${room.id}/join`))) made(room.id);
  };
  const load = async (at) => {
    const page = await attempt(() => chat.rest.get("/v1/public-rooms", { limit: 50, cursor: at }));
    if (!page) return;
    cursor = page.cursor;
    more.hidden = !cursor;
    list.append(...page.rooms.map((room) => {
      const inside = chat.roster.rooms.has(room.id);
      return h("li.person", {}, face(room.id, room.title, "square"),
        h("span.person-text", {}, h("bdi.person-name", {}, room.title),
          h("span.person-note", {}, [`${room.members} people`, room.topic].filter(Boolean).join(" · "))),
        h("span.person-actions", {}, inside ? button("Open", () => made(room.id)) : button("Join", () => join(room), "primary")));
    }));
    said.textContent = list.childElementCount ? "" : "There is no public room yet.";
  };
  load(null);
  return h("div", {}, said, list, more);
}
