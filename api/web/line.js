// The line to the server: always one socket, or a pause until the next.
// Owns connecting, authenticating, resuming, the heartbeat, renewing the token in the socket and coming back. Must
// never know what rooms hold: it asks for positions and hands on frames.

import { Backoff, verdict } from "./backoff.js";
import { auth, ping, refresh, resume } from "./frames.js";
import { plain } from "./rest.js";
import { Socket } from "./socket.js";
import { LoggedOut } from "./tokens.js";

const SILENCE_MS = 10_000;

/**
 * @typedef {object} User what the line serves
 * @property {() => {generation: string|null, positions: [string, number][]}} held what to resume from
 * @property {(frame: object) => void} frame every push, and the states that answer a resume
 * @property {(state: "connecting"|"online"|"waiting"|"stopped"|"replaced", detail?: object) => void} state
 */

export class Line {
  /** @param {User} user @param {import("./tokens.js").Tokens} tokens */
  constructor(user, tokens) {
    this.user = user;
    this.tokens = tokens;
    this.backoff = new Backoff(Math.random);
    this.socket = null;
    this.online = false;
    this.running = false;
    this.wake = () => {};
    this.last = null;
    this.spread = 0;
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.socket?.drop());
  }

  /** Until `stop`, or until the server says that coming back is of no use. */
  async run() {
    this.running = true;
    let spent = false;
    while (this.running) {
      this.user.state("connecting");
      const began = performance.now();
      const end = await this.#live(spent).catch((error) => ({ code: 1006, error }));
      this.online = false;
      this.socket = null;
      if (!this.running || end.error instanceof LoggedOut) return;
      const wanted = verdict(end.code);
      if (wanted === "stop" || wanted === "replaced") {
        this.running = false;
        this.user.state(wanted === "stop" ? "stopped" : "replaced", end);
        return;
      }
      spent = wanted === "token";
      const pause = this.backoff.pause(performance.now() - began, end.retryAfter, this.spread);
      this.user.state("waiting", { pause });
      await this.#pause(pause);
    }
  }

  stop() {
    this.running = false;
    this.socket?.close();
    this.wake();
  }

  /** Try now instead of after the pause. */
  hurry() {
    this.wake();
  }

  send(frame) {
    return this.online && this.socket.send(frame);
  }

  request(frame) {
    if (!this.online) return Promise.reject(Object.assign(new Error("not connected"), { temporary: true }));
    return this.socket.request(frame);
  }

  /** One socket from opening to its end; how it ended. */
  async #live(spent) {
    const token = await this.tokens.access(spent ? this.tokens.held?.access : null);
    const url = await this.#hub();
    let ended;
    const end = new Promise((resolve) => (ended = resolve));
    const socket = new Socket(url, (frame) => this.#frame(frame), ended);
    this.socket = socket;
    await Promise.race([socket.opened, end]);
    const held = this.user.held();
    // Both at once: nothing has to be awaited in between.
    const readying = socket.request(auth(token));
    const resuming = socket.request(resume(held.generation, held.positions));
    resuming.catch(() => {});
    const ready = await readying.catch(() => null);
    if (ready && (await resuming.catch(() => null))) {
      this.online = true;
      this.spread = ready.spread ?? 0;
      this.user.state("online");
      this.#beat(socket, ready.heartbeat);
      this.#renew(socket);
    } else {
      // A close follows, with the code that says why; if it does not, the socket is of no use.
      setTimeout(() => socket.drop(), 2000);
    }
    return end;
  }

  #frame(frame) {
    // The answer to a resume may lead to a request at once: rooms joined meanwhile are to be made live.
    if (frame.type === "states") this.online = true;
    if (frame.type !== "ack" && frame.type !== "ok" && frame.type !== "pong") this.user.frame(frame);
  }

  /** Another hub than the last one, if there is one. */
  async #hub() {
    const { hubs } = await plain("GET", "/v1/hubs");
    const others = hubs.filter((hub) => hub !== this.last);
    const choice = others.length ? others : hubs;
    this.last = choice[Math.floor(Math.random() * choice.length)];
    return this.last;
  }

  /** A browser cannot send WebSocket pings, so the protocol's own find a dead connection. */
  #beat(socket, heartbeatMs) {
    const beat = () => {
      if (this.socket !== socket) return;
      if (performance.now() - socket.heardAt > heartbeatMs + SILENCE_MS) socket.drop();
      else {
        socket.request(ping()).catch(() => {});
        setTimeout(beat, heartbeatMs);
      }
    };
    setTimeout(beat, Math.random() * heartbeatMs);
  }

  /** A new token goes in before the old one ends. */
  #renew(socket) {
    const later = Math.max(1000, this.tokens.renewAt - Date.now());
    setTimeout(async () => {
      if (this.socket !== socket) return;
      try {
        await socket.request(refresh(await this.tokens.access()));
      } catch {
        // The socket goes on until the server ends it with 4004; then a new one comes with a new token.
      }
      this.#renew(socket);
    }, Math.min(later, 2 ** 31 - 1));
  }

  #pause(ms) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
