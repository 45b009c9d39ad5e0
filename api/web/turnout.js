// How an event is attended, for its hosts: figures, arrivals over time as a drawing and as a table, and the list to take along.
// Owns that part. Must never name anybody: the list of names is a file.

import { attempt } from "./announce.js";
import { clock } from "./dates.js";
import { fill, h } from "./dom.js";
import { save } from "./download.js";
import { counted } from "./moments.js";
import { button } from "./parts.js";
import { s } from "./svg.js";

const WIDE = 440;
const HIGH = 150;
const LEFT = 30;
const BASE = 122;
const MOST_BARS = 96;

export function turnoutPart(chat, agenda) {
  let event = null;
  let printed = "";
  const figures = h("dl.figures");
  const drawn = h("div.arrivals");
  const table = () => attempt(async () =>
    save(await chat.rest.get(`/v1/events/${event.id}/attendance.csv`), "text/csv", `${event.title} attendance.csv`));
  const element = h("section.part", { "aria-labelledby": "turnout-title", hidden: true },
    h("h3.part-title", { id: "turnout-title" }, "How it goes"), figures, drawn,
    h("div.row-actions", {}, button("Download the list", table)));

  async function load(now) {
    event = now;
    if (event.doors_at_ms > Date.now()) return;
    let stats;
    try {
      stats = await agenda.stats(event.id);
    } catch {
      return; // It is asked again with the event.
    }
    const print = JSON.stringify(stats);
    if (print === printed) return;
    printed = print;
    element.hidden = stats.visits === 0;
    fill(figures, figure("came", stats.people), figure("here now", stats.present),
      stats.peak && figure(`at most, at ${clock(stats.peak.at_ms)}`, stats.peak.people),
      stats.median_minutes !== null && figure("stay, median", `${Math.round(stats.median_minutes)} min`));
    fill(drawn, stats.arrivals.length > 0 && chart(stats, Math.min(Date.now(), event.ends_at_ms - 1)));
  }

  return { element, load, show: (now) => (event = now) };
}

function figure(name, value) {
  return h("div.figure", {}, h("dt", {}, name), h("dd", {}, typeof value === "number" ? value.toLocaleString() : value));
}

/** Stretches without anybody are not told: they are put in between, and up to `until`. */
export function bars({ arrivals, every_min: every }, until = 0) {
  const step = every * 60_000;
  const first = arrivals[0].from_ms;
  const last = Math.max(arrivals.at(-1).from_ms, until);
  const number = Math.floor((last - first) / step) + 1;
  const whole = Math.ceil(number / MOST_BARS); // stretches of one bar
  const found = Array.from({ length: Math.ceil(number / whole) }, (_, place) => ({ from: first + place * whole * step, people: 0 }));
  for (const { from_ms: from, people } of arrivals) found[Math.floor(Math.round((from - first) / step) / whole)].people += people;
  return { found, step: whole * step };
}

function chart(stats, until) {
  const { found, step } = bars(stats, until);
  const most = Math.max(...found.map((one) => one.people));
  const top = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].find((one) => one >= most) ?? most;
  const wide = Math.min(44, (WIDE - LEFT) / found.length);
  const y = (people) => BASE - (people / top) * (BASE - 12);
  const each = Math.max(1, Math.ceil(72 / wide));
  const label = `Arrivals: ${counted(stats.people, "person").replace("persons", "people")} in stretches of ${counted(step / 60_000, "minute")}, at most ${most} in one`;
  const drawing = s("svg.chart", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label },
    [0, top / 2, top].map((value) => s("g.chart-line", {}, s("line", { x1: LEFT, x2: WIDE, y1: y(value), y2: y(value) }),
      Number.isInteger(value) && s("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)))),
    found.map(({ people }, place) => people > 0 && s("rect.chart-bar", {
      x: LEFT + place * wide + Math.min(2, wide / 8), width: wide - Math.min(4, wide / 4), y: y(people), height: BASE - y(people),
      rx: Math.min(4, wide / 4),
    })),
    found.map(({ from }, place) => place % each === 0 && s("text.chart-time", { x: LEFT + place * wide + 2, y: BASE + 18 }, clock(from))));
  return h("figure.chart-frame", {}, drawing, h("figcaption", {}, `Arrivals, per ${counted(step / 60_000, "minute")}`),
    h("details.more", {}, h("summary", {}, "As a table"), h("table.arrivals-table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "From"), h("th", { scope: "col" }, "People"))),
      h("tbody", {}, found.filter((one) => one.people).map((one) => h("tr", {}, h("td", {}, clock(one.from)), h("td", {}, String(one.people))))))));
}
