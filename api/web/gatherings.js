// The pane of events: the lists, or one event.
// Owns which of them is shown, and the way between them. What each shows is its own.

import { Agenda } from "./agenda.js";
import { tell } from "./announce.js";
import { h } from "./dom.js";
import { eventView } from "./event.js";
import { eventForm } from "./eventform.js";
import { eventsView } from "./events.js";

const NEWS_MS = 60_000;
const NOTICES = {
  invited: (title) => `You are invited: ${title}`, changed: (title) => `Changed: ${title}`, starts_soon: (title) => `Soon: ${title}`,
  cancelled: (title) => `Called off: ${title}`, waitlist_up: (title) => `You have a place: ${title}`,
};

/** @param {import("./chat.js").Chat} chat @param {{to: (address: string) => void}} go */
export function gatheringsView(chat, go) {
  const agenda = new Agenda(chat);
  const open = (id) => go.to(`#/event/${id}`);
  const make = (near) => eventForm(agenda, null, near, (made) => open(made.id));
  const lists = eventsView(agenda, { open, make, back: () => go.to("#/") });
  const one = eventView(chat, agenda, {
    back: () => go.to("#/events"), room: (id) => go.to(`#/room/${id}`),
    change: (event) => eventForm(agenda, event, null, () => one.open(event.id)),
  });
  const element = h("main.pane.gatherings", { "aria-label": "Events", hidden: true }, lists.element, one.element);
  agenda.onchange = (id) => one.heard(id);
  chat.onentry = (entry) => {
    agenda.entry(entry, chat.me);
    const { kind, at, body } = entry;
    if (kind === "notice" && NOTICES[body.state] && Date.now() - at < NEWS_MS) tell(NOTICES[body.state](body.title ?? "an event"));
  };

  /** Show one event, or without an id the lists. */
  function show(id) {
    const left = one.id;
    element.hidden = false;
    lists.element.hidden = Boolean(id);
    one.element.hidden = !id;
    if (id) one.open(id);
    else {
      one.close();
      lists.open();
    }
    // What had the focus may be out of sight now.
    if (document.activeElement?.checkVisibility() && document.activeElement !== document.body) return;
    if (id) one.focus();
    else lists.focus(left);
  }

  function close() {
    element.hidden = true;
    one.close();
  }

  return {
    element, show, close, end: () => {
      close();
      one.end();
    },
    render: () => (element.hidden ? null : (one.id ? one : lists).render()),
  };
}
