// How far this page holds a room's log: everything up to `at`, and what arrived above a hole.
// Owns the rule that entries are taken once, in order, without holes. Must never fetch: it names what is missing.

export class Position {
  /** @param {number} at the highest seq that is held without holes */
  constructor(at) {
    this.at = at;
    /** @type {{from: number, to: number, entry: object|null}[]} above a hole, in order */
    this.held = [];
  }

  /**
   * Seqs `from`..`to` have arrived: an entry, or a skip where `entry` is null.
   * @returns {{entries: object[], hole: [number, number]|null}} what is next in the log, and what is missing before
   * the rest, if anything
   */
  take(from, to, entry) {
    if (to > this.at && !this.held.some((one) => one.from === from)) {
      this.held.push({ from, to, entry });
      this.held.sort((a, b) => a.from - b.from);
    }
    return { entries: this.#drain(), hole: this.#hole() };
  }

  /** Everything up to `to` is settled by something else (a history page). Gives what is next. */
  settle(to) {
    this.at = Math.max(this.at, to);
    return { entries: this.#drain(), hole: this.#hole() };
  }

  #drain() {
    const next = [];
    while (this.held.length && this.held[0].from <= this.at + 1) {
      const one = this.held.shift();
      if (one.to <= this.at) continue;
      this.at = one.to;
      if (one.entry) next.push(one.entry);
    }
    return next;
  }

  #hole() {
    return this.held.length ? [this.at + 1, this.held[0].from - 1] : null;
  }
}
