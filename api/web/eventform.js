// Making an event, or changing one: its words, its time in its own zone, its place by a click on the map.
// Owns the dialog and what is sent of it. What an event must be like the server says.

import { dialog } from "./dialog.js";
import { h, say } from "./dom.js";
import { mapView } from "./map.js";
import { fromWall, myZone, span, toWall } from "./moments.js";
import { button, field } from "./parts.js";

const HOUR_MS = 3_600_000;
const RADIUS_M = 100;
const VISIBILITY = {
  public: "Public: anybody may find it", link: "Whoever has the link", invited: "Only who is invited",
};
const JOINS = {
  answer: "Who says that they may come", entry: "Who is there", never: "Whom the hosts let in",
};

/**
 * @param {object|null} old the event to change; null: a new one
 * @param {{lat: number, lon: number}|null} near where to look, for a new one
 * @param {(event: object) => void} made
 */
export function eventForm(agenda, old, near, made) {
  dialog(old ? "Change the event" : "New event", (body, close) => {
    const words = wordFields(old);
    const time = timeFields(old);
    const place = placeFields(old, near);
    const rules = ruleFields(old);
    const said = h("p.problem", { role: "alert" });
    const save = button(old ? "Save" : "Make the event", null, "primary");
    body.append(h("form.event-form", { onsubmit: async (submitted) => {
      submitted.preventDefault();
      say(said, "");
      const wanted = [words, time, place, rules].map((part) => part.read());
      if (wanted.includes(null)) return;
      save.disabled = true;
      try {
        const sent = Object.assign({}, ...wanted);
        const event = old ? await change(agenda, old, sent) : await agenda.make(sent);
        close();
        made(event);
      } catch (error) {
        say(said, error.message);
      }
      save.disabled = false;
    } }, words.elements, time.elements, place.elements, rules.elements, said, h("div.dialog-actions", {}, save)));
  }, "wide");
}

/** Only what is another now. Doors that opened with the start go with it. */
function change(agenda, old, sent) {
  if (old.doors_at_ms === old.starts_at_ms) sent.doors_at_ms = sent.starts_at_ms;
  const changed = Object.entries(sent).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name]));
  return changed.length ? agenda.edit(old.id, Object.fromEntries(changed)) : old;
}

function wordFields(old) {
  const title = field("Name of the event", { required: true, maxlength: 100, value: old?.title ?? "" });
  const about = field("About it", { rows: 3, maxlength: 4000 });
  about.input.value = old?.about ?? "";
  return {
    elements: [title.element, about.element],
    read: () => {
      const name = title.input.value.trim();
      title.fail(name ? "" : "An event has a name.");
      return name ? { title: name, about: about.input.value.trim() } : null;
    },
  };
}

function timeFields(old) {
  const hour = Math.ceil((Date.now() + 1) / HOUR_MS) * HOUR_MS;
  const zone = field("Time zone", {
    required: true, value: old?.zone ?? myZone(), list: "zones", autocomplete: "off", spellcheck: "false", oninput: () => show(),
  });
  const zones = h("datalist", { id: "zones" }, Intl.supportedValuesOf("timeZone").map((one) => h("option", { value: one })));
  const at = (label, ms) => field(label, { type: "datetime-local", required: true, value: toWall(ms, zone.input.value), oninput: () => show() });
  const starts = at("Starts", old?.starts_at_ms ?? hour);
  const ends = at("Ends", old?.ends_at_ms ?? hour + 3 * HOUR_MS);
  const doors = at("Doors open", old?.doors_at_ms ?? hour);
  const own = h("details.more", { open: old !== null && old.doors_at_ms < old.starts_at_ms }, h("summary", {}, "Doors open earlier"), doors.element);
  const said = h("p.hint", { role: "status" });
  const moments = () => [starts, ends].map((one) => fromWall(one.input.value, zone.input.value));
  const show = () => {
    const [from, to] = moments();
    const elsewhere = zone.input.value !== myZone() && from !== null && to !== null && from < to;
    say(said, elsewhere ? `On your clock: ${span(from, to)}` : "");
  };
  show();
  return {
    elements: [h("div.fields-two", {}, starts.element, ends.element), h("div.fields-two", {}, zone.element, own), said, zones],
    read: () => {
      const [from, to] = moments();
      starts.fail(from === null ? "When does it start?" : "");
      if (from === null) return null;
      ends.fail(to === null ? "When does it end?" : to <= from ? "It ends after it starts." : "");
      if (to === null || to <= from) return null;
      const open = own.open ? fromWall(doors.input.value, zone.input.value) : from;
      doors.fail(open === null || open > from ? "The doors open before it starts." : "");
      if (open === null || open > from) return null;
      return { starts_at_ms: from, ends_at_ms: to, doors_at_ms: open, zone: zone.input.value.trim() };
    },
  };
}

function placeFields(old, near) {
  let point = old?.point ?? null;
  const polygon = old?.fence?.type === "polygon" ? old.fence : null;
  const name = field("Name of the place", { maxlength: 100, value: old?.place_name ?? "" });
  const address = field("Address", { maxlength: 300, value: old?.address ?? "" });
  const coordinates = field("Latitude and longitude", { autocomplete: "off", value: words(point), onchange: () => typed() },
    "By a click on the map, by Enter in its middle, or as 52.52, 13.405.");
  const radius = field("Radius of the fence, in metres", {
    type: "number", min: 20, max: 50_000, step: 1, value: old ? (old.fence?.radius_m ?? "") : RADIUS_M, oninput: () => show(),
  }, polygon ? "It has a fence of corners. A radius takes its place." : "Who is inside counts as there. Empty: nobody's place is looked at.");
  const map = mapView("Map for the place of the event", { pick: (found) => set({ lat: rounded(found.lat), lon: rounded(found.lon) }) });
  const clear = button("No place", () => set(null), "link");

  function set(found) {
    point = found;
    coordinates.input.value = words(point);
    coordinates.fail("");
    show();
  }

  function typed() {
    const found = parsed(coordinates.input.value);
    if (found === undefined) return;
    set(found);
    if (found) map.fit();
  }

  function fence() {
    const metres = Number(radius.input.value);
    if (!point || !(metres > 0)) return polygon && point ? polygon : null;
    return { type: "circle", centre: point, radius_m: metres };
  }

  function show() {
    clear.hidden = !point;
    map.show({ marks: point ? [{ id: "place", point, title: "Here" }] : [], fences: fence() ? [fence()] : [] });
  }

  show();
  if (!point && near) map.look(near);
  return {
    elements: [h("div.fields-two", {}, name.element, address.element), h("div.form-map", {}, map.element),
      h("div.fields-two", {}, coordinates.element, radius.element), clear],
    read: () => {
      const wrong = parsed(coordinates.input.value) === undefined;
      coordinates.fail(wrong ? "Latitude -90 to 90, then longitude -180 to 180." : "");
      if (wrong) return null;
      return { place_name: name.input.value.trim(), address: address.input.value.trim(), point, fence: fence() };
    },
  };
}

function ruleFields(old) {
  const visible = select("Who may know of it", VISIBILITY, old?.visibility ?? "invited");
  const joins = select("Who is put into its room", JOINS, old?.joins_on ?? "answer");
  const capacity = field("Places", { type: "number", min: 1, max: 100_000, value: old?.capacity ?? "" }, "Empty: as many as like.");
  return {
    elements: [h("div.fields-two", {}, visible.element, joins.element), h("div.fields-two", {}, capacity.element)],
    read: () => ({
      visibility: visible.input.value, joins_on: joins.input.value, capacity: capacity.input.value ? Number(capacity.input.value) : null,
    }),
  };
}

function select(label, options, value) {
  const id = `event-${label.replaceAll(" ", "-").toLowerCase()}`;
  const input = h("select.input", { id }, Object.entries(options).map(([one, name]) => h("option", { value: one, selected: one === value }, name)));
  return { element: h("div.field", {}, h("label", { for: id }, label), input), input };
}

function words(point) {
  return point ? `${point.lat}, ${point.lon}` : "";
}

/** A place of two numbers; null of nothing, undefined of what is no place. */
function parsed(text) {
  if (!text.trim()) return null;
  const [lat, lon, ...rest] = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  return rest.length === 0 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : undefined;
}

function rounded(degrees) {
  return Math.round(degrees * 1e6) / 1e6;
}
