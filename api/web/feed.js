// What arrives for rooms, put in order: each entry once, without holes, whatever socket or tab it came by.
// Owns positions and what is done about gaps. Must never fold or show: it delivers.

import { Position } from "./position.js";

const PAGE = 200;
const ROOMS_MOST = 1000;

/**
 * @typedef {object} Sink
 * @property {(room: string) => import("./log.js").Log|null} log the stretch that is looked at, if any
 * @property {(entry: object, follows: boolean) => void} deliver @property {(room: string, at: number) => void} held
 * @property {(room: string) => void} lost too much was missed: what is shown of the room is to be loaded anew
 * @property {(room: string) => void} removed @property {() => void} unknown a room that is not in the list
 * @property {() => void} reset the log was restored from a backup @property {(rooms: unknown[]) => void} attend
 */

export class Feed {
  /** @param {Sink} sink @param {import("./rest.js").Rest} rest */
  constructor(sink, rest) {
    this.sink = sink;
    this.rest = rest;
    this.generation = null;
    /** @type {Map<string, Position>} the one used last comes first */
    this.positions = new Map();
    this.filling = new Set();
  }

  /** Hold `room` up to `at` from now on, unless it is held already. */
  begin(room, at) {
    if (!this.positions.has(room)) this.positions.set(room, new Position(at));
  }

  at(room) {
    return this.positions.get(room)?.at ?? null;
  }

  /** What a resume names. */
  held() {
    const positions = [...this.positions].slice(0, ROOMS_MOST).map(([room, position]) => [room, position.at]);
    return { generation: this.generation, positions };
  }

  /** Make live what is new to the server's set: with its position; what is live already stays as it is. */
  attend(fresh) {
    const rooms = [...this.positions.keys()].filter((room) => !fresh.has(room)).map((room) => [room, null]);
    this.sink.attend([...[...fresh].map((room) => [room, this.at(room)]), ...rooms].slice(0, ROOMS_MOST));
  }

  frame(frame) {
    if (frame.type === "entry") this.#take(frame.room, frame.seq, frame.seq, frame);
    else if (frame.type === "skip") this.#take(frame.room, frame.from, frame.to, null);
    else if (frame.type === "gap") this.#gap(frame.room, frame.to);
    else if (frame.type === "head" && !this.positions.has(frame.room)) this.sink.unknown();
    else if (frame.type === "states") this.#states(frame);
  }

  #states({ generation, rooms }) {
    const known = this.generation;
    this.generation = generation;
    if (known && known !== generation) {
      this.sink.reset();
      return;
    }
    const fresh = new Set();
    for (const { room, status, from, head } of rooms) {
      if (status === "removed") this.forget(room);
      else if (status === "gap") this.#gap(room, from - 1);
      else if (status === "live") this.begin(room, from - 1);
      else {
        if (!this.positions.has(room)) this.sink.unknown();
        this.begin(room, head);
        if (status === "joined" && this.positions.size <= ROOMS_MOST) fresh.add(room);
      }
    }
    if (fresh.size) this.attend(fresh);
  }

  forget(room) {
    if (this.positions.delete(room)) this.sink.removed(room);
  }

  #take(room, from, to, entry) {
    const position = this.positions.get(room);
    if (position) this.#deliver(room, position, () => position.take(from, to, entry));
  }

  #deliver(room, position, step) {
    const log = this.sink.log(room);
    const follows = Boolean(log?.loaded) && log.to >= position.at;
    const { entries, hole } = step();
    for (const entry of entries) this.sink.deliver(entry, follows);
    if (follows) log.reach(position.at);
    this.sink.held(room, position.at);
    if (hole) this.#fill(room, position, hole[1]);
  }

  /** Missed, and too much to replay: a window that is looked at begins anew, for pages are cheaper than replays. */
  #gap(room, to) {
    const position = this.positions.get(room);
    if (!position || to <= position.at) return;
    this.#deliver(room, position, () => position.settle(to));
    this.sink.lost(room);
  }

  /** A hole that should not be (or that a tab has slept through): pages of history close it. */
  async #fill(room, position, to) {
    if (this.filling.has(room)) return;
    this.filling.add(room);
    const since = position.at;
    try {
      let at = since;
      while (at < to) {
        const page = await this.rest.get(`/v1/rooms/${room}/history`, { after: at, limit: PAGE });
        this.sink.log(room)?.page(page);
        if (page.to_seq <= at) break;
        at = page.to_seq;
      }
      await this.#changes(room, since);
      this.#deliver(room, position, () => position.settle(Math.max(at, to)));
      this.sink.unknown();
    } catch {
      // Left as it is: the next thing that arrives finds the hole again.
    } finally {
      this.filling.delete(room);
    }
  }

  /** What became of older messages meanwhile. */
  async #changes(room, since) {
    for (let after = since, more = true; more; ) {
      const changes = await this.rest.get(`/v1/rooms/${room}/changes`, { after });
      this.sink.log(room)?.changes(changes.entries, changes.head);
      more = changes.more && changes.to_seq > after;
      after = changes.to_seq;
    }
  }
}
