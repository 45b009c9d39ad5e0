// Writing: wishes go out as soon as there is a line, again until there is an answer, and outlive the page.
// Owns the outbox on disk and when it is sent. Must never say how a wish looks meanwhile.

import { Outbox } from "./outbox.js";
import { newId } from "./tokens.js";

const AGAIN_MS = 1000;

export class Sender {
  /**
   * @param {string} person @param {import("./tabs.js").Tabs} tabs @param {() => void} changed
   */
  constructor(person, tabs, changed) {
    this.tabs = tabs;
    this.changed = changed;
    this.prefix = `muster.outbox.${person}.`;
    this.place = this.prefix + newId();
    this.online = false;
    // Of tabs that are gone, too. Should one still live, both send the same wish: the client id makes it one entry.
    const places = Object.keys(localStorage).filter((name) => name.startsWith(this.prefix));
    const kept = places.flatMap((name) => JSON.parse(localStorage.getItem(name)));
    this.outbox = new Outbox(kept.sort((a, b) => a.at - b.at));
    for (const name of places) localStorage.removeItem(name);
    this.#keep();
  }

  /** @param {(room: string, clientId: string) => unknown[]} frame made with a new client id */
  submit(room, frame) {
    const clientId = newId();
    this.outbox.add(room, clientId, frame(room, clientId), Date.now());
    this.pump();
  }

  retry(clientId) {
    this.outbox.retry(clientId);
    this.pump();
  }

  discard(clientId) {
    this.outbox.done(clientId);
    this.#keep();
  }

  held(room, at) {
    if (!this.outbox.wishes.length) return;
    this.outbox.held(room, at);
    this.#keep();
  }

  /** An entry of mine arrived: what I called it is done, whether or not its ack came. */
  arrived(clientId) {
    if (!this.outbox.wishes.length) return;
    this.outbox.done(clientId);
    this.#keep();
  }

  state(online) {
    if (this.online && !online) this.outbox.disconnected();
    this.online = online;
    this.pump();
  }

  pump() {
    if (this.online) for (const wish of this.outbox.due()) this.#send(wish);
    this.#keep();
    this.changed();
  }

  async #send(wish) {
    try {
      const ack = await this.tabs.request(wish.frame);
      this.outbox.acked(wish.clientId, ack.seq);
      this.onack(wish.room);
    } catch (refused) {
      if (!refused.temporary) this.outbox.failed(wish.clientId, refused.message);
      else {
        this.outbox.unsure(wish.clientId);
        setTimeout(() => {
          this.outbox.again(wish.room);
          this.pump();
        }, Math.max(refused.retryAfter ?? 0, AGAIN_MS));
      }
    }
    this.#keep();
    this.changed();
  }

  /** Set by whoever knows how far a room is held. */
  onack() {}

  #keep() {
    const kept = this.outbox.kept();
    if (kept.length) localStorage.setItem(this.place, JSON.stringify(kept));
    else localStorage.removeItem(this.place);
  }
}
