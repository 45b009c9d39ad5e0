// Names: who is behind an id, as soon as it is known.
// Owns what was learned of people and asking for the rest, few at a time. Must never block whoever asks.

const AT_ONCE = 4;
const NOBODY = "00000000-0000-0000-0000-000000000000"; // who does what the clock does

export class People {
  /** @param {import("./rest.js").Rest} rest @param {() => void} changed */
  constructor(rest, changed) {
    this.rest = rest;
    this.changed = changed;
    /** @type {Map<string, {id: string, name: string, handle: string}>} */
    this.known = new Map();
    /** @type {Map<string, object[]>} */
    this.members = new Map();
    this.wanted = [];
    this.asked = new Set();
    this.running = 0;
  }

  learn(...people) {
    for (const { id, name, handle } of people) this.known.set(id, { id, name, handle });
  }

  /** Somebody; until they are known, without a name. */
  get(id) {
    const known = this.known.get(id);
    if (known) return known;
    if (id && id !== NOBODY && !this.asked.has(id)) {
      this.asked.add(id);
      this.wanted.push(id);
      this.#next();
    }
    return { id, name: "…", handle: "" };
  }

  /** The first members of a room, newly fetched. */
  async ofRoom(room) {
    const { members, cursor } = await this.rest.get(`/v1/rooms/${room}/members`, { limit: 200 });
    this.learn(...members);
    this.members.set(room, members);
    this.changed();
    return { members, more: cursor !== null };
  }

  async #next() {
    if (this.running >= AT_ONCE || !this.wanted.length) return;
    this.running += 1;
    const id = this.wanted.shift();
    try {
      this.learn(await this.rest.get(`/v1/people/${id}`));
    } catch (error) {
      if (error.temporary) this.asked.delete(id);
      else this.learn({ id, name: "Somebody", handle: "" });
    }
    this.running -= 1;
    this.changed();
    this.#next();
  }
}
