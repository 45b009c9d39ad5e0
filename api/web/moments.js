// When an event is: in the zone of whoever looks, and in its own.
// Owns these words, and what a clock on a wall says in a zone. Must never read a clock: now is passed in.

const SPAN = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const WALL = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { day: "numeric", month: "short" };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The zone of whoever looks. */
export const myZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A zone that this browser knows, or the viewer's own. */
function known(zone) {
  try {
    return new Intl.DateTimeFormat(undefined, { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return myZone();
  }
}

const formats = new Map();

/** Made once: to make a format takes longer than to use it a hundred times. */
function formatOf(locale, shape, zone) {
  const name = `${locale} ${zone} ${Object.keys(shape)}`;
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(locale, { ...shape, timeZone: zone && known(zone) }));
  return formats.get(name);
}

/** Thu 26 Nov, 19:00 – 23:00 */
export function span(fromMs, toMs, zone = undefined) {
  return formatOf(undefined, SPAN, zone).formatRange(fromMs, toMs);
}

/** The same on the event's own clock, with the zone's name; null where the clocks agree. */
export function spanThere(fromMs, toMs, zone) {
  if (toWall(fromMs, zone) === toWall(fromMs, myZone()) && toWall(toMs, zone) === toWall(toMs, myZone())) return null;
  return `${span(fromMs, toMs, zone)} in ${place(zone)}`;
}

/** New York, of America/New_York */
export function place(zone) {
  return (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}

/** Two short words for the corner of a line: `{day, month}`. */
export function dayOf(ms) {
  const parts = formatOf(undefined, DAY).formatToParts(ms);
  const one = (type) => parts.find((part) => part.type === type)?.value ?? "";
  return { day: one("day"), month: one("month") };
}

/** What a clock on a wall there says, as a field for a date and a time holds it. */
export function toWall(ms, zone) {
  const parts = formatOf("en", WALL, zone).formatToParts(ms);
  const one = (type) => parts.find((part) => part.type === type).value;
  return `${one("year")}-${one("month")}-${one("day")}T${one("hour")}:${one("minute")}`;
}

/** The moment at which a clock there says that; where it says so twice the first, where it never does a moment near. */
export function fromWall(text, zone) {
  const said = Date.parse(`${text}Z`);
  if (Number.isNaN(said)) return null;
  const behind = (ms) => Date.parse(`${toWall(ms, zone)}Z`) - Math.floor(ms / MINUTE_MS) * MINUTE_MS;
  const found = [-DAY_MS, 0, DAY_MS].map((off) => said - behind(said + off)).sort((a, b) => a - b);
  return found.find((ms) => toWall(ms, zone) === text) ?? found[0];
}

/** How an event stands, in words. */
export function stateWords(event, now) {
  const { state, doors_at_ms: doors, starts_at_ms: starts, ends_at_ms: ends } = event;
  if (state === "cancelled") return "Called off";
  if (state === "ended" || ends <= now) return "Over";
  if (state === "live" || starts <= now) return "On now";
  if (state === "doors_open" || doors <= now) return "Doors are open";
  return `In ${until(starts - now)}`;
}

/** Whether people can check in. */
export function isOpen(event, now) {
  return !["ended", "cancelled"].includes(event.state) && event.doors_at_ms <= now && now < event.ends_at_ms;
}

function until(ms) {
  const minutes = Math.max(1, Math.round(ms / MINUTE_MS));
  if (minutes < 90) return counted(minutes, "minute");
  const hours = Math.round(minutes / 60);
  return hours < 36 ? counted(hours, "hour") : counted(Math.round(hours / 24), "day");
}

export function counted(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
