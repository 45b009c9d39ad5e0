// The frame around list and room: the address, the banner, what is rendered when.
// Owns which room is open (it stands in the address) and the title of the page.

import { account } from "./account.js";
import { announce, attempt } from "./announce.js";
import { summary } from "./attachments.js";
import { contactsDialog } from "./contacts.js";
import { fill, h, say } from "./dom.js";
import { gatheringsView } from "./gatherings.js";
import { listView } from "./list.js";
import { making } from "./making.js";
import { roomView } from "./room.js";

const SAID = {
  replaced: "The chat goes on in another tab.", stopped: "The server ended the connection. Load this page again.",
};
const RENDER_MS = 16;
const PATIENCE_MS = 1500;

/** @param {HTMLElement} root @param {() => void} logOut */
export function shell(root, chat, logOut) {
  const watchers = new Set();
  const watch = (watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  };
  const open = (room, seq = null) => {
    const address = `#/room/${room}${seq ? `/${seq}` : ""}`;
    if (location.hash === address) route();
    else location.hash = address;
  };
  const to = (address) => (location.hash = address);
  const list = listView(chat, {
    open, make: () => making(chat, open), contacts: () => contactsDialog(chat, open, watch), account: () => account(chat, logOut),
    events: () => to("#/events"),
  });
  const room = roomView(chat, { back: () => to("#/"), event: (id) => to(`#/event/${id}`) });
  const gatherings = gatheringsView(chat, { to });
  const banner = h("div.banner", { role: "status", hidden: true });
  const retry = h("button.button.link", { type: "button", onclick: () => chat.tabs.hurry() }, "Try now");
  const said = h("span");
  banner.append(said, retry);
  const element = h("div.shell", {}, banner, list.element, room.element, gatherings.element);
  let scheduled = null;

  function render() {
    scheduled = null;
    list.render(room.id);
    room.render();
    gatherings.render();
    for (const watcher of watchers) watcher();
    shout();
    const unread = chat.roster.lines().filter((one) => one.unread && one.role !== "invited").length;
    document.title = unread ? `(${unread}) Muster` : "Muster";
  }

  function changed() {
    scheduled ??= setTimeout(render, RENDER_MS);
  }

  /** A short break is nobody's business; a longer one is said. */
  function shout() {
    const { name, since } = chat.state;
    const late = Date.now() - Math.max(since, 0) > PATIENCE_MS || !navigator.onLine || name === "waiting";
    const text = SAID[name]
      ?? (name === "online" || !late ? "" : navigator.onLine ? "Connecting…" : "You are offline. What you write is sent later.");
    banner.hidden = !text && name !== "waiting";
    say(said, name === "waiting" && navigator.onLine ? "No connection. Trying again; what you write is sent then." : text);
    retry.textContent = name === "replaced" ? "Use it here" : "Try now";
    element.classList.toggle("is-offline", !banner.hidden);
  }

  async function route() {
    const [, where, id, seq] = location.hash.split("/");
    if (where === "i" && id) {
      const joined = await attempt(() => chat.change("POST", `/v1/links/${encodeURIComponent(id)}/join`));
      history.replaceState(null, "", joined ? `#/room/${joined.room}` : "#/");
      return route();
    }
    const gathered = where === "events" || (where === "event" && Boolean(id));
    element.dataset.pane = gathered || where === "room" ? "room" : "list";
    room.element.hidden = gathered;
    if (gathered) gatherings.show(where === "event" ? id : null);
    else gatherings.close();
    if (where === "room" && id) {
      await known(id);
      room.open(id, seq ? Number(seq) : null);
    } else {
      room.close();
      list.render(null);
    }
    changed();
    return null;
  }

  /** A room that was made this moment is in the list a moment later. */
  function known(id) {
    return new Promise((done) => {
      const end = () => {
        stop();
        clearTimeout(late);
        done();
      };
      const look = () => chat.roster.rooms.has(id) && end();
      const late = setTimeout(() => end(), 5000);
      const stop = watch(look);
      look();
    });
  }

  chat.onmessage = (entry) => {
    if (entry.room === room.id) announce(`${chat.people.get(entry.author).name}: ${summary(entry.body)}`);
  };
  const listeners = [
    [window, "hashchange", route], [window, "focus", () => room.look()], [window, "online", changed], [window, "offline", changed],
    [document, "visibilitychange", () => {
      chat.attends(document.visibilityState === "visible");
      room.look();
    }],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);
  const ticking = setInterval(changed, PATIENCE_MS);
  fill(root, element);

  return {
    changed, route,
    end: () => {
      for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
      clearInterval(ticking);
      clearTimeout(scheduled);
      gatherings.end();
    },
  };
}
