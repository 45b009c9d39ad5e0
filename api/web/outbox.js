// What is written and not yet committed, per room in the order written.
// Owns the rules of repeating (docs/protocol.md, 7). Must never send or wait: it says what is due.

/**
 * @typedef {object} Wish
 * @property {string} room @property {string} clientId @property {unknown[]} frame @property {number} at
 * @property {"waiting"|"sent"|"unsure"|"acked"|"failed"} state @property {string} [reason]
 */

export class Outbox {
  /** @param {object[]} kept what `kept()` gave in an earlier life of the page */
  constructor(kept = []) {
    /** @type {Wish[]} */
    this.wishes = kept.map((wish) => ({ ...wish, state: wish.state === "failed" ? "failed" : "waiting" }));
    this.paused = new Set();
  }

  add(room, clientId, frame, at) {
    this.wishes.push({ room, clientId, frame, at, state: "waiting" });
  }

  /** What is to be sent now, in order; it counts as sent from here on. */
  due() {
    const unsure = new Set(this.wishes.filter((wish) => wish.state === "unsure").map((wish) => wish.room));
    const due = [];
    for (const wish of this.wishes) {
      if (this.paused.has(wish.room)) continue;
      // After a temporary refusal the rest of the room waits until that one is answered for good.
      if (unsure.has(wish.room) ? wish.state === "unsure" && !this.#unanswered(wish.room) : wish.state === "waiting") {
        wish.state = "sent";
        due.push(wish);
      }
    }
    return due;
  }

  /** Committed as `seq`. It stays in sight until the log is held up to there. */
  acked(clientId, seq) {
    this.#change(clientId, { state: "acked", seq });
  }

  /** The log of `room` is held up to `at`. */
  held(room, at) {
    this.wishes = this.wishes.filter((wish) => wish.room !== room || wish.state !== "acked" || wish.seq > at);
  }

  /** Its entry is in the log, or it was given up. */
  done(clientId) {
    this.wishes = this.wishes.filter((wish) => wish.clientId !== clientId);
  }

  /** Refused for good. */
  failed(clientId, reason) {
    this.#change(clientId, { state: "failed", reason });
  }

  /** Somebody wants to try again what had failed. */
  retry(clientId) {
    this.#change(clientId, { state: "waiting", reason: undefined });
  }

  /** The outcome is unknown: its room waits until `again`, then this one goes first. */
  unsure(clientId) {
    const wish = this.#change(clientId, { state: "unsure" });
    if (wish) this.paused.add(wish.room);
  }

  again(room) {
    this.paused.delete(room);
  }

  /** The socket is gone: all that has no answer goes out again on the next one, in order. */
  disconnected() {
    this.paused.clear();
    for (const wish of this.wishes) if (wish.state === "sent" || wish.state === "unsure") wish.state = "waiting";
  }

  of(room) {
    return this.wishes.filter((wish) => wish.room === room);
  }

  /** What must outlive the page. */
  kept() {
    return this.wishes.filter((wish) => wish.state !== "acked");
  }

  #unanswered(room) {
    return this.wishes.some((wish) => wish.room === room && wish.state === "sent");
  }

  #change(clientId, change) {
    const wish = this.wishes.find((one) => one.clientId === clientId);
    return wish ? Object.assign(wish, change) : null;
  }
}
