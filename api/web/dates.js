// Times as people say them, in the browser's language and zone.
// Owns these words. Must never read a clock: now is passed in.

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const yearFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const DAY_MS = 86_400_000;

/** One text per day of the calendar here. */
export function dayKey(ms) {
  const date = new Date(ms);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

export const clock = (ms) => clockFormat.format(ms);
export const full = (ms) => fullFormat.format(ms);

/** Above the messages of a day. */
export function dayLabel(ms, now) {
  if (dayKey(ms) === dayKey(now)) return "Today";
  if (dayKey(ms) === dayKey(now - DAY_MS)) return "Yesterday";
  if (ms < now && now - ms < 6 * DAY_MS) return weekdayFormat.format(ms);
  return new Date(ms).getFullYear() === new Date(now).getFullYear() ? dayFormat.format(ms) : yearFormat.format(ms);
}

/** In a list: the time today, else the day. */
export function brief(ms, now) {
  if (dayKey(ms) === dayKey(now)) return clock(ms);
  if (dayKey(ms) === dayKey(now - DAY_MS)) return "Yesterday";
  return shortFormat.format(ms);
}
