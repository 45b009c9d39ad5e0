// The stretches of logs that are looked at: the newest messages of a room, or those around one that was found.
// Owns loading them page by page. Must never take entries from the socket: the feed does.

import { Log } from "./log.js";

const PAGE = 50;
const AROUND = 25;
const KEPT = 8;

export class Stretches {
  /**
   * @param {import("./rest.js").Rest} rest @param {import("./feed.js").Feed} feed @param {() => void} changed
   * @param {{me: string, media: import("./media.js").Media}} who `media` learns what hangs on the messages of a page
   */
  constructor(rest, feed, changed, { me, media }) {
    this.me = me;
    this.media = media;
    this.rest = rest;
    this.feed = feed;
    this.changed = changed;
    /** @type {Map<string, Log>} the one opened last comes last */
    this.logs = new Map();
    this.busy = new Set();
  }

  log(room) {
    return this.logs.get(room) ?? null;
  }

  /** The log reaches up to what was delivered: new entries are put at its end. */
  live(room) {
    const log = this.logs.get(room);
    return Boolean(log?.loaded) && log.to >= (this.feed.at(room) ?? 0);
  }

  /** The newest messages, unless they are here already. */
  async open(room) {
    const known = this.logs.get(room);
    if (known) {
      this.logs.delete(room);
      this.logs.set(room, known);
    }
    if (this.live(room)) return;
    for (const old of [...this.logs.keys()].slice(0, -KEPT)) this.logs.delete(old);
    await this.#load(room, { limit: PAGE });
  }

  /** The messages around `seq`. */
  around(room, seq) {
    return this.#load(room, { before: seq + AROUND, limit: 2 * AROUND });
  }

  async newest(room) {
    this.logs.delete(room);
    await this.open(room);
  }

  /** One page more at the beginning. */
  older(room) {
    const log = this.logs.get(room);
    return log?.loaded && log.more ? this.#page(room, log, { before: log.from, limit: PAGE }) : null;
  }

  /** One page more at the end. */
  newer(room) {
    const log = this.logs.get(room);
    return log?.loaded && !this.live(room) ? this.#page(room, log, { after: log.to, limit: PAGE }) : null;
  }

  forget(room) {
    this.logs.delete(room);
  }

  async #load(room, query) {
    const log = new Log(this.me);
    this.logs.set(room, log);
    this.changed();
    await this.#page(room, log, query);
    // What was delivered while the page was on its way.
    while (!query.before && this.logs.get(room) === log && log.loaded && !this.live(room)) {
      const reached = log.to;
      await this.#page(room, log, { after: log.to, limit: PAGE });
      if (log.to === reached) break;
    }
  }

  async #page(room, log, query) {
    if (this.busy.has(log)) return;
    this.busy.add(log);
    try {
      const page = await this.rest.get(`/v1/rooms/${room}/history`, query);
      this.media.learn(page.media ?? []);
      if (this.logs.get(room) === log) log.page(page);
      log.failed = null;
    } catch (error) {
      log.failed = error.message;
    } finally {
      this.busy.delete(log);
      this.changed();
    }
  }
}
