// One event: what, when, where, who, my answer, being there; and for hosts how it goes.
// Owns what is asked of it, when it is asked again, and the order of its parts.

import { attempt } from "./announce.js";
import { isHost } from "./agenda.js";
import { answerPart } from "./answer.js";
import { beingPart } from "./being.js";
import { fill, h, say } from "./dom.js";
import { factsPart } from "./facts.js";
import { guestsPart } from "./guests.js";
import { mapView } from "./map.js";
import { stateWords } from "./moments.js";
import { iconButton } from "./parts.js";
import { sharingPart } from "./sharing.js";
import { turnoutPart } from "./turnout.js";
import { Whereabouts } from "./whereabouts.js";

const AGAIN_MS = 15_000;
const SOON_MS = 300;

/** @param {import("./chat.js").Chat} chat @param {{back: () => void, room: (id: string) => void, change: (event: object) => void}} go */
export function eventView(chat, agenda, go) {
  let id = null;
  let event = null;
  let parts = [];
  let map = null;
  let soon = null;
  const whereabouts = new Whereabouts(chat, () => render());
  const title = h("h2.room-head-title", { tabindex: "-1", dir: "auto" });
  const note = h("p.event-stage");
  const body = h("div.event-body");
  const element = h("section.event", { "aria-label": "Event" },
    h("header.room-head", {}, iconButton("back", "Back to the events", go.back), h("div.room-head-text.grows", {}, title, note),
      iconButton("link", "Copy the link to this event", copy)), body);
  const ticking = setInterval(() => id && document.visibilityState === "visible" && load(), AGAIN_MS);

  function copy() {
    return attempt(() => navigator.clipboard.writeText(`${location.origin}/app#/event/${id}`), "The link is copied.");
  }

  async function open(wanted) {
    if (id === wanted) return load();
    close();
    id = wanted;
    say(title, "…");
    say(note, "");
    fill(body, h("p.hint.event-loading", { role: "status" }, "Loading …"));
    return load();
  }

  async function load() {
    const asked = id;
    if (!asked) return;
    try {
      const found = await agenda.event(asked);
      if (id === asked) take(found);
    } catch (error) {
      if (id === asked && !event) fill(body, h("p.hint.event-loading", { role: "status" }, error.message));
    }
  }

  /** The event as it is now. Its parts are made once: what is shown in them changes. */
  function take(found) {
    const before = event;
    event = found;
    if (!before || isHost(before) !== isHost(event)) build();
    if (event.owner) chat.people.get(event.owner);
    if (event.sharing === "off") whereabouts.stop();
    for (const part of parts) part.load?.(event);
    render();
  }

  function build() {
    const does = { take, go, whereabouts, reload: load };
    map = mapView("Map of the place");
    parts = [factsPart, answerPart, beingPart, isHost(event) && turnoutPart, sharingPart, guestsPart].filter(Boolean)
      .map((make) => make(chat, agenda, does));
    fill(body, h("div.event-parts", {}, parts.map((part) => part.element)), h("div.event-map", {}, map.element));
  }

  function render() {
    if (!event) return;
    say(title, event.title);
    say(note, stateWords(event, Date.now()));
    map.element.parentNode.hidden = !event.point;
    const shown = JSON.stringify([event.point, event.fence, event.state]);
    if (map.element.dataset.shown !== shown) {
      map.element.dataset.shown = shown;
      map.show({
        marks: event.point ? [{ id: event.id, point: event.point, title: "", kind: event.state }] : [],
        fences: event.fence ? [event.fence] : [],
      });
    }
    for (const part of parts) part.show(event, Date.now());
  }

  function close() {
    whereabouts.stop();
    clearTimeout(soon);
    id = null;
    event = null;
    parts = [];
  }

  /** Something was told of an event: several at once are one question. */
  function heard(which) {
    if (which !== id) return;
    clearTimeout(soon);
    soon = setTimeout(load, SOON_MS);
  }

  return { element, open, close, render, heard, focus: () => title.focus(), end: () => clearInterval(ticking), get id() { return id; } };
}
