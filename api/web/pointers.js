// How far I have received and read, told at most once a second; and how far others say they have.
// Owns the throttle. Must never decide what counts as read: the room on the screen does.

import { read, received } from "./frames.js";

const EVERY_MS = 1000;

export class Pointers {
  /** @param {import("./tabs.js").Tabs} tabs */
  constructor(tabs) {
    this.tabs = tabs;
    this.received = new Map();
    this.read = new Map();
    this.told = { received: new Map(), read: new Map() };
    /** @type {Map<string, Map<string, number>>} room -> person -> read */
    this.others = new Map();
    this.timer = null;
  }

  hold(room, at) {
    this.#move(this.received, room, at);
  }

  reads(room, at) {
    this.#move(this.read, room, at);
  }

  /** A pointer of somebody else's moved. */
  heard({ room, person, read: at }) {
    if (at === null) return;
    const people = this.others.get(room) ?? new Map();
    people.set(person, Math.max(at, people.get(person) ?? 0));
    this.others.set(room, people);
  }

  /** Who has read this message, as far as we were told. */
  readers(room, seq) {
    return [...(this.others.get(room) ?? [])].filter(([, at]) => at >= seq).map(([person]) => person);
  }

  #move(which, room, at) {
    if (at <= (which.get(room) ?? 0)) return;
    which.set(room, at);
    this.timer ??= setTimeout(() => this.flush(), EVERY_MS);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    this.#tell("received", this.received, received);
    this.#tell("read", this.read, read);
  }

  #tell(name, now, frame) {
    const moved = [...now].filter(([room, at]) => at > (this.told[name].get(room) ?? 0)).slice(0, 500);
    if (!moved.length || !this.tabs.send(frame(moved))) return;
    for (const [room, at] of moved) this.told[name].set(room, at);
  }
}
