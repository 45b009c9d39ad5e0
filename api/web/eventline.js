// One event in a list.
// Owns how its line looks. Must never ask for anything.

import { h } from "./dom.js";
import { distance } from "./graticule.js";
import { counted, dayOf, span, stateWords } from "./moments.js";

const ANSWERS = { invited: "You are invited", going: "Going", maybe: "Maybe", waitlist: "On the waitlist", no: "Not going" };

/** All that the line shows. */
export function printLine(event, now) {
  return JSON.stringify([event.version, event.title, event.going, event.answer, event.is_host, event.distance_m, stateWords(event, now)]);
}

/** @param {() => void} open */
export function eventLine(event, now, open) {
  const { day, month } = dayOf(event.starts_at_ms);
  const far = event.distance_m === undefined || event.distance_m === null ? ""
    : event.distance_m === 0 ? "here" : `${distance(event.distance_m)} away`;
  const where = [event.place_name, far].filter(Boolean).join(" · ");
  const mine = event.is_host ? "You host" : ANSWERS[event.answer] ?? "";
  const state = stateWords(event, now);
  const loud = ["On now", "Doors are open"].includes(state);
  return h("li", {}, h("button.event-line", { type: "button", onclick: open, "data-event": event.id, "data-focus": "event" },
    h("span.event-day", { "aria-hidden": "true" }, h("b", {}, day), month),
    h("span.event-text", {},
      h("bdi.event-title", {}, event.title),
      h("span.event-note", {}, span(event.starts_at_ms, event.ends_at_ms)),
      where && h("span.event-note", { dir: "auto" }, where),
      h("span.chips.small", {}, h(`span.tag${loud ? ".loud" : ""}`, {}, state), mine && h("span.tag.mine", {}, mine),
        event.going > 0 && h("span.tag", {}, `${counted(event.going, "person").replace("persons", "people")} going`)))));
}
