// Events as the server tells them: lists, one event, who is there, and what I do about them.
// Owns these requests, and what is known of my own visits. Must never touch the document.

export class Agenda {
  /** @param {import("./chat.js").Chat} chat */
  constructor(chat) {
    this.chat = chat;
    /** @type {Map<string, {inside: boolean, at: number, source: string}>} my latest visit by event */
    this.visits = new Map();
    /** Called with the event of which something was told. */
    this.onchange = () => {};
  }

  /**
   * Public events. @param {{near: {lat: number, lon: number}|null, until: number|null, words: string, cursor: string|null}} asked
   * @returns {Promise<{events: object[], cursor: string|null}>} `distance_m` stands in each event
   */
  async find({ near, until, words, cursor }) {
    const page = await this.chat.rest.get("/v1/events", {
      near: near && `${near.lat.toFixed(5)},${near.lon.toFixed(5)}`, radius_m: near && 50_000, order: near ? "distance" : "start",
      to: until, q: words || null, cursor, limit: 50,
    });
    return { events: page.found.map(({ event, distance_m }) => ({ ...event, distance_m })), cursor: page.cursor };
  }

  /** One of my lists: upcoming, hosting, invited, past. */
  mine(list, cursor) {
    return this.chat.rest.get("/v1/me/events", { list, cursor, limit: 50 });
  }

  event(id) {
    return this.chat.rest.get(`/v1/events/${id}`);
  }

  here(id) {
    return this.chat.rest.get(`/v1/events/${id}/here`, { limit: 50 });
  }

  roster(id, cursor = null) {
    return this.chat.rest.get(`/v1/events/${id}/roster`, { limit: 100, cursor });
  }

  stats(id) {
    return this.chat.rest.get(`/v1/events/${id}/stats`);
  }

  code(id) {
    return this.chat.rest.get(`/v1/events/${id}/code`);
  }

  /** @returns {Promise<object>} the new event */
  make(event) {
    return this.chat.change("POST", "/v1/events", event);
  }

  edit(id, changes) {
    return this.#change(id, "PATCH", "", changes);
  }

  /** @param {{answer?: string, sharing?: string}} said @returns {Promise<object>} the event as it is then */
  answer(id, said) {
    return this.#change(id, "PUT", "/rsvp", said);
  }

  /** I am here; `code`: what the code at the door says. */
  async checkIn(id, code = null) {
    return this.#visited(id, await this.#change(id, "POST", "/check-in", code ? { code } : {}));
  }

  async checkOut(id) {
    return this.#visited(id, await this.#change(id, "POST", "/check-out"));
  }

  /** What hosts do: cancel, end, or something about somebody on the roster. */
  host(id, method, what) {
    return this.#change(id, method, `/${what}`);
  }

  /** An entry of my self log, or of a room that may be an event's. */
  entry({ kind, room, body }, me) {
    const id = room === me ? body?.room : room;
    if (kind === "visit") {
      this.visits.set(id, { inside: body.state === "entered", at: body.moment_ms, source: body.source });
    }
    if (id) this.onchange(id);
  }

  async #change(id, method, path, body) {
    return this.chat.change(method, `/v1/events/${id}${path}`, body);
  }

  #visited(id, visit) {
    const inside = visit.left_ms === null;
    this.visits.set(id, { inside, at: inside ? visit.entered_ms : visit.left_ms, source: visit.source });
    this.onchange(id);
    return visit;
  }
}

/** Whether I run it. */
export function isHost(event) {
  return event.role === "owner" || event.role === "moderator";
}

/** Whether I am in its room. */
export function isInRoom(event) {
  return isHost(event) || event.role === "member";
}
