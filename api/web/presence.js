// Who is there: what the server tells of others, as it is now.
// Owns the fold of snapshots and changes. Pure. Must never make anybody offline because nothing is known.

const WORDS = { active: "online", idle: "away", background: "online on a phone that is put away" };

export class Presence {
  constructor() {
    /** @type {Map<string, {state: string, busyUntil: number, text: string, emoji: string, textUntil: number}>} */
    this.people = new Map();
    /** @type {Map<string, {form: string, online: number|null}>} */
    this.rooms = new Map();
    this.known = false;
  }

  /** A snapshot (`whole`: who is not named is offline), or a change. What is shown stays while nothing is known. */
  frame({ people, whole, known }) {
    this.known = known;
    if (!known) return;
    if (whole) this.people.clear();
    for (const { person, ...one } of people) {
      if (one.state === "offline") this.people.delete(person);
      else this.people.set(person, one);
    }
  }

  /** In which form a room's presence is told, and in large ones how many are there. */
  room({ room, form, online }) {
    this.rooms.set(room, { form, online });
  }

  /**
   * How many are there in a room: told, or counted where all of its members are told by name. Null: not known.
   * @param {{id: string}[] | undefined} members all of them, where they are few
   */
  online(room, members) {
    const told = this.known ? this.rooms.get(room) : null;
    if (!told) return null;
    if (told.form !== "names") return told.online;
    return members ? members.filter((one) => this.people.has(one.id)).length : null;
  }

  /** The line is gone: what is shown is old from now on. */
  lost() {
    this.known = false;
  }

  /** active, idle, background, busy, offline, or unknown where nothing can be said. */
  state(id, now) {
    if (!this.known) return "unknown";
    const one = this.people.get(id);
    if (!one) return "offline";
    return one.busyUntil > now ? "busy" : one.state;
  }

  /** The same in words, with what somebody says of themselves; empty for who is not there, or not known. */
  words(id, now) {
    const state = this.state(id, now);
    const one = this.people.get(id);
    if (state === "unknown" || state === "offline") return "";
    const said = one.textUntil > now ? [one.emoji, one.text].filter(Boolean).join(" ") : "";
    return [state === "busy" ? "do not disturb" : WORDS[state], said].filter(Boolean).join(" · ");
  }
}
