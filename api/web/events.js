// Events, found: by time, near me, and mine, as a list beside a map.
// Owns which list is shown and what is asked for it. Where I am is asked only after a click, and only the cell is kept.

import { fill, h, keyed, say } from "./dom.js";
import { eventLine, printLine } from "./eventline.js";
import { cellOf } from "./grid.js";
import { locate } from "./locate.js";
import { mapView } from "./map.js";
import { span } from "./moments.js";
import { button, iconButton } from "./parts.js";

const SEARCH_AFTER_MS = 300;
const DAY_MS = 86_400_000;
const NIGHT_MS = 4 * 3_600_000; // an evening ends after midnight
const TABS = { time: "Coming up", near: "Near me", mine: "Mine" };
const TIMES = { any: "At any time", today: "Until tonight", week: "In the next 7 days" };
const LISTS = { upcoming: "Coming up", hosting: "I host", invited: "I am invited", past: "Past" };
const NONE = {
  time: "No public event is coming up.", near: "No public event is near.", mine: "You have no such event. The plus above makes one.",
};

/** @param {{open: (id: string) => void, back: () => void, make: (near: object|null) => void}} go */
export function eventsView(agenda, go) {
  let tab = "time";
  let events = [];
  let cursor = null;
  let cell = null;
  let turn = 0;
  let timer = null;
  let loaded = false;
  const map = mapView("Map of the events in the list", { open: go.open });
  const list = h("ol.event-list");
  const said = h("p.hint", { role: "status" });
  const more = button("More events", () => load(cursor), "link");
  const around = button("Look around the middle of the map", () => nearTo(cellOf(map.middle())), "link");
  const query = h("input.search-input", {
    type: "search", placeholder: "Search titles", "aria-label": "Search events by title", maxlength: 100, oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => load(), SEARCH_AFTER_MS);
    },
  });
  const times = choice("When", TIMES, () => load());
  const lists = choice("Which of mine", LISTS, () => load());
  const title = h("h2.room-head-title.grows", { tabindex: "-1" }, "Events");
  const panel = h("div.events-panel", { id: "events-panel", role: "tabpanel" });
  const tabs = Object.entries(TABS).map(([name, label]) => h("button.tab", {
    type: "button", role: "tab", id: `events-${name}`, "aria-controls": "events-panel", onclick: () => choose(name),
  }, label));
  const row = h("div.tabs", { role: "tablist", "aria-label": "Which events", onkeydown: (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    // Near me asks for a place: that takes a click of its own.
    if (next.id !== "events-near" || cell) next.click();
  } }, tabs);
  fill(panel, h("div.events-asked", {}, query, times, lists), said, around, list, more);
  const element = h("section.events", { "aria-label": "Events" },
    h("header.room-head", {}, iconButton("back", "Back to the rooms", go.back, { class: "icon-button only-narrow" }),
      title,
      button("New event", () => go.make(cell?.middle ?? null), "primary")),
    h("div.events-body", {}, h("div.events-side", {}, row, panel), h("div.events-map", {}, map.element)));
  const show = keyed(list, (event) => event.id, (event) => printLine(event, Date.now()),
    (event) => eventLine(event, Date.now(), () => go.open(event.id)));

  function choose(name) {
    // Another list's lines do not stay under this tab while it is asked for: they would be taken for its own.
    if (name !== tab) shown([], null);
    tab = name;
    mark();
    if (name === "near" && !cell) find();
    else load();
  }

  function mark() {
    tabs.forEach((one) => {
      const on = one.id === `events-${tab}`;
      one.setAttribute("aria-selected", String(on));
      one.tabIndex = on ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `events-${tab}`);
    times.hidden = query.hidden = tab === "mine";
    lists.hidden = tab !== "mine";
    around.hidden = true;
  }

  async function find() {
    shown([], null);
    say(said, "Asking this browser where it is …");
    try {
      nearTo(await locate());
    } catch (error) {
      if (tab !== "near") return;
      say(said, error.message);
      around.hidden = false;
    }
  }

  function nearTo(found) {
    cell = found;
    map.show({ me: cell });
    if (tab === "near") load();
  }

  async function load(after = null) {
    const now = (turn += 1);
    loaded = true;
    try {
      const page = await ask(after);
      if (now !== turn) return;
      shown(after ? [...events, ...page.events] : page.events, page.cursor);
      around.hidden = true;
      say(said, events.length ? (tab === "near" ? "The nearest first. Your place was rounded to a square of 500 m before it was sent." : "")
        : query.value.trim() && tab !== "mine" ? "No event is called that." : NONE[tab]);
    } catch (error) {
      if (now === turn) say(said, error.message);
    }
  }

  function ask(after) {
    if (tab === "mine") return agenda.mine(lists.value, after);
    const near = tab === "near" ? cell?.middle ?? null : null;
    return agenda.find({ near, until: until(times.value), words: query.value.trim(), cursor: after });
  }

  function shown(found, then) {
    events = found;
    cursor = then;
    more.hidden = !cursor;
    render();
    const marks = events.filter((event) => event.point).map((event) => ({
      id: event.id, point: event.point, title: event.title, note: span(event.starts_at_ms, event.ends_at_ms), kind: event.state,
    }));
    map.show({ marks });
  }

  function render() {
    show(events);
  }

  /** On the line of an event, or at the top. */
  function focus(id) {
    (list.querySelector(`[data-event="${CSS.escape(id ?? "")}"]`) ?? title).focus();
  }

  mark();
  return { element, render, open: () => (loaded && tab === "near" && !cell ? null : load()), focus };
}

/** The end of the time looked at; null: none. */
function until(name) {
  if (name === "any") return null;
  if (name === "week") return Date.now() + 7 * DAY_MS;
  const midnight = new Date();
  midnight.setHours(24, 0, 0, 0);
  return midnight.getTime() + NIGHT_MS;
}

function choice(label, options, onchange) {
  return h("select.input.slim", { "aria-label": label, onchange },
    Object.entries(options).map(([value, name]) => h("option", { value }, name)));
}
