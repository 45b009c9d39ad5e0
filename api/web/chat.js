// The chat of one person: rooms, logs, contacts and the line, put together.
// Owns which part hears of what. Must never touch the document.

import * as frames from "./frames.js";
import { Feed } from "./feed.js";
import { Media } from "./media.js";
import { Order } from "./order.js";
import { People } from "./people.js";
import { Pointers } from "./pointers.js";
import { Presence } from "./presence.js";
import { Roster } from "./roster.js";
import { Sender } from "./sender.js";
import { Stretches } from "./stretches.js";
import { Tabs } from "./tabs.js";
import { newId } from "./tokens.js";

const OF_EVENTS = new Set(["event", "visit", "notice", "join", "leave", "kick", "role"]);
const TYPING_MS = 6000;
const TYPING_EVERY_MS = 3000;
const RELIST_MS = 250;
const ACTIVE_EVERY_MS = 240_000;
const WATCHED_MOST = 500;
const WATCHED_ROOMS = 20;
const ROOMS_PAGE = 500;

export class Chat {
  /** @param {string} me @param {import("./rest.js").Rest} rest @param {() => void} changed something is to be shown */
  constructor(me, rest, changed) {
    this.me = me;
    this.rest = rest;
    this.changed = changed;
    this.profile = { id: me, name: "", handle: "" };
    this.state = { name: "connecting", since: Date.now() };
    this.contacts = new Map();
    this.pins = new Map();
    this.typing = new Map();
    this.typed = new Map();
    this.early = [];
    this.roster = new Roster(me);
    this.presence = new Presence();
    this.order = new Order(me, rest, changed);
    this.watched = "";
    this.people = new People(rest, changed);
    this.media = new Media(rest, changed);
    this.feed = new Feed(this.#sink(), rest);
    this.stretches = new Stretches(rest, this.feed, changed, { me, media: this.media });
    const user = { held: () => this.feed.held(), frame: (one) => this.#frame(one), state: (...now) => this.#state(...now) };
    this.tabs = new Tabs(me, user, rest.tokens);
    this.sender = new Sender(me, this.tabs, changed);
    this.sender.onack = (room) => this.sender.held(room, this.feed.at(room) ?? 0);
    this.pointers = new Pointers(this.tabs);
    /** Called with each message of somebody else's as it comes. */
    this.onmessage = () => {};
    /** Called with each entry that may be about an event: in its room, and in my self log. */
    this.onentry = () => {};
    /** Called when the server does not want us back: with the end of the socket. */
    this.onstop = () => {};
  }

  /** List everything, then follow it. */
  async start() {
    this.profile = await this.rest.get("/v1/me");
    this.people.learn(this.profile);
    await this.#list();
    const early = this.early;
    this.early = null;
    for (const frame of early) this.#frame(frame);
    this.tabs.run();
    // Who has not said for five minutes that they are active is idle.
    this.saying = setInterval(() => document.visibilityState === "visible" && this.attends(true), ACTIVE_EVERY_MS);
  }

  stop() {
    clearInterval(this.saying);
    this.pointers.flush();
    this.tabs.stop();
  }

  // What somebody does.

  /** @param {string[]|null} attachments ids of media of mine that are ready */
  post(room, text, mentions, replyTo, attachments) {
    this.sender.submit(room, (id, clientId) => frames.post(id, clientId, text, mentions, replyTo, attachments));
  }

  edit(room, target, text, mentions) {
    this.sender.submit(room, (id, clientId) => frames.edit(id, clientId, target, text, mentions));
  }

  remove(room, target) {
    this.sender.submit(room, (id, clientId) => frames.remove(id, clientId, target));
  }

  /** Put my emoji on a message, or take it off. */
  react(room, target, emoji, on) {
    this.sender.submit(room, (id, clientId) => (on ? frames.react : frames.unreact)(id, clientId, target, emoji));
  }

  /** I am typing in this room; told as often as others need it. */
  types(room) {
    const now = performance.now();
    if (now - (this.typed.get(room) ?? -Infinity) < TYPING_EVERY_MS) return;
    this.typed.set(room, now);
    this.tabs.send(frames.typing(room));
  }

  /** Everything in this room has been seen. */
  reads(room) {
    const line = this.roster.rooms.get(room);
    const at = this.feed.at(room);
    if (!line || line.role === "invited" || at === null || at <= line.read) return;
    this.roster.read(room, at);
    this.pointers.reads(room, at);
    this.changed();
  }

  attends(visible) {
    this.tabs.send(frames.attention(visible ? "active" : "background"));
    if (!visible) this.pointers.flush();
  }

  /** A change by REST, repeated safely. The list follows by itself, or is fetched where no entry tells of it. */
  async change(method, path, body) {
    const answer = await this.rest.ask(method, path, body, newId());
    this.relist();
    return answer;
  }

  async loadPins(room) {
    const { pins } = await this.rest.get(`/v1/rooms/${room}/pins`);
    this.pins.set(room, pins);
    this.changed();
  }

  /** Who types in a room just now. */
  typers(room) {
    return [...(this.typing.get(room) ?? new Map()).keys()];
  }

  /** What a room is called by me. */
  title(line) {
    return line.kind === "direct" ? (line.peer?.name ?? "Somebody") : line.title;
  }

  /** Fetch the list soon: something in it cannot be told from entries. */
  relist() {
    this.relisting ??= setTimeout(async () => {
      this.relisting = null;
      this.roster.stale = false;
      try {
        await this.#list();
      } catch (error) {
        if (error.temporary) setTimeout(() => this.relist(), 4 * RELIST_MS);
      }
      this.#after();
    }, RELIST_MS);
  }

  // What arrives.

  #sink() {
    return {
      log: (room) => this.stretches.log(room),
      deliver: (entry, follows) => this.#deliver(entry, follows),
      held: (room, at) => this.#held(room, at),
      lost: (room) => this.#lost(room),
      removed: (room) => this.#removed(room),
      unknown: () => (this.roster.stale = true),
      reset: () => location.reload(),
      attend: (rooms) => this.tabs.holds && this.tabs.request(frames.attend(rooms)).catch(() => {}),
    };
  }

  #frame(frame) {
    if (this.early) {
      this.early.push(frame);
      return;
    }
    if (frame.type === "typing") this.#typing(frame);
    else if (frame.type === "presences") this.presence.frame(frame);
    else if (frame.type === "roomPresence") this.presence.room(frame);
    else if (frame.type === "pointer") this.pointers.heard(frame);
    else if (frame.type === "count") this.#count(frame);
    else this.feed.frame(frame);
    this.#after();
  }

  #deliver(entry, follows) {
    if (OF_EVENTS.has(entry.kind)) this.onentry(entry);
    if (entry.room === this.me) {
      this.#own(entry);
      return;
    }
    this.order.entry(entry);
    this.stretches.log(entry.room)?.entry(entry, follows);
    this.roster.entry(entry);
    this.typing.get(entry.room)?.delete(entry.author);
    if (entry.author === this.me) this.sender.arrived(entry.clientId);
    else if (entry.kind === "post") this.onmessage(entry);
    if (["pin", "unpin"].includes(entry.kind) || (entry.kind === "delete" && this.pins.get(entry.room)?.length)) {
      this.loadPins(entry.room).catch(() => {});
    }
  }

  /** My self log: what my other devices did, and what befell me. */
  #own(entry) {
    const { kind, body, subject } = entry;
    if (kind === "room_added") {
      const fresh = !this.feed.positions.has(body.room);
      this.feed.begin(body.room, body.at_seq - 1);
      if (fresh) this.feed.attend(new Set([body.room]));
    } else if (kind === "room_removed" && body.at_seq >= (this.feed.at(body.room) ?? 0)) this.feed.forget(body.room);
    else if (kind === "contact") {
      if (body.state === "removed") this.contacts.delete(subject);
      else this.contacts.set(subject, { person: subject, ...this.people.get(subject), state: body.state });
    } else if (kind === "profile") this.rest.get("/v1/me").then((me) => this.#me(me), () => {});
    this.order.own(entry);
    this.roster.own(entry);
  }

  #held(room, at) {
    this.roster.skip(room, at);
    this.sender.held(room, at);
    this.pointers.hold(room, at);
  }

  #lost(room) {
    this.roster.stale = true;
    if (this.stretches.log(room)) this.stretches.newest(room);
  }

  #removed(room) {
    this.stretches.forget(room);
    this.roster.rooms.delete(room);
  }

  #typing({ room, person }) {
    const typers = this.typing.get(room) ?? new Map();
    this.typing.set(room, typers);
    clearTimeout(typers.get(person));
    typers.set(person, setTimeout(() => {
      typers.delete(person);
      this.changed();
    }, TYPING_MS));
  }

  #count({ room, members }) {
    const line = this.roster.rooms.get(room);
    if (line) line.members = members;
  }

  #state(name, detail = {}) {
    this.state = { name, since: Date.now() };
    this.sender.state(name === "online");
    if (name === "online") {
      this.attends(document.visibilityState === "visible");
      this.watched = "";
      this.#watch();
    } else this.presence.lost();
    if (name === "stopped") this.onstop(detail);
    this.changed();
  }

  #after() {
    if (this.roster.stale) this.relist();
    this.changed();
  }

  /**
   * My contacts, whom I talk to, and the rooms that last moved: asked anew where these are others than before. All tabs
   * ask for the same, for they share a socket.
   */
  #watch() {
    const peers = [...this.roster.rooms.values()].map((room) => room.peer?.id).filter(Boolean).sort();
    const wanted = peers.slice(0, WATCHED_MOST);
    const shared = this.roster.lines().filter((room) => room.kind !== "direct" && room.role !== "invited");
    const rooms = shared.slice(0, WATCHED_ROOMS).map((room) => room.id).sort();
    const watched = `${wanted.join()} ${rooms.join()}`;
    if (!this.tabs.online || this.watched === watched) return;
    this.watched = watched;
    this.tabs.send(frames.watch(true, wanted, rooms));
  }

  #me(profile) {
    this.profile = profile;
    this.people.learn(profile);
    this.changed();
  }

  /** The self log's position first: what happens while we list comes again as its entries. */
  async #list() {
    const contacts = [];
    let seq = null;
    for (let cursor = null, more = true; more; more = cursor !== null) {
      const page = await this.rest.get("/v1/me/contacts", { limit: 500, cursor });
      seq ??= page.seq;
      contacts.push(...page.contacts);
      cursor = page.cursor;
    }
    const rooms = [];
    for (let cursor = null, more = true; more; more = cursor !== null) {
      const page = await this.rest.get("/v1/me/rooms", { limit: ROOMS_PAGE, cursor });
      rooms.push(...page.rooms);
      cursor = page.cursor;
    }
    this.contacts = new Map(contacts.map((one) => [one.person, { ...one, id: one.person }]));
    this.people.learn(...this.contacts.values(), ...rooms.flatMap((room) => room.peer ?? []));
    this.roster.list(rooms);
    this.feed.begin(this.me, seq);
    const fresh = new Set();
    for (const { id, head, role } of rooms) {
      if (role === "invited" || this.feed.positions.has(id)) continue;
      this.feed.begin(id, head);
      fresh.add(id);
    }
    if (fresh.size && this.tabs.online) this.feed.attend(fresh);
    this.#watch();
  }
}
