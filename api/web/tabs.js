// All tabs of one person are one device with one socket: one tab holds the line, the others speak through it.
// Owns who holds it (a lock of the browser's) and the relay. Because logs are dense, a tab that comes late or misses
// something notices by itself. Must never look into a frame further than its type.

import { Line } from "./line.js";
import { Refused } from "./socket.js";
import { newId } from "./tokens.js";

const ANSWER_WITHIN_MS = 6_000;

export class Tabs {
  /**
   * @param {string} person @param {import("./line.js").User} user @param {import("./tokens.js").Tokens} tokens
   */
  constructor(person, user, tokens) {
    this.user = user;
    this.id = newId();
    this.waiting = new Map();
    this.holds = false;
    this.online = false;
    this.state = "connecting";
    this.name = `muster.line.${person}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = (event) => this.#hear(event.data);
    this.line = new Line({ ...user, frame: (frame) => this.#frame(frame), state: (...now) => this.#state(...now) }, tokens);
  }

  /** Until `stop`. */
  run() {
    if (!navigator.locks) {
      this.holds = true;
      return this.line.run();
    }
    this.#tell({ ask: "state" });
    this.giveUp = new AbortController();
    return navigator.locks
      .request(this.name, { signal: this.giveUp.signal }, () => {
        this.holds = true;
        // Whoever held it is gone, and with them the answers.
        this.#giveUp();
        return this.line.run();
      })
      .catch(() => {});
  }

  stop() {
    this.giveUp?.abort();
    this.line.stop();
    this.channel.close();
    this.#giveUp();
  }

  hurry() {
    if (this.holds) this.line.hurry();
    else this.#tell({ ask: "hurry" });
  }

  send(frame) {
    if (this.holds) return this.line.send(frame);
    this.#tell({ ask: "send", frame });
    return this.online;
  }

  request(frame) {
    if (this.holds) return this.line.request(frame);
    const id = newId();
    return new Promise((resolve, reject) => {
      const late = () => this.#answer(id, () => reject(new Refused({ message: "no answer in time", temporary: true })));
      this.waiting.set(id, { resolve, reject, timer: setTimeout(late, ANSWER_WITHIN_MS) });
      this.#tell({ ask: "request", id, frame });
    });
  }

  #frame(frame) {
    this.user.frame(frame);
    this.#tell({ frame });
  }

  #state(state, detail) {
    this.state = state;
    this.online = state === "online";
    this.user.state(state, detail);
    this.#tell({ state, detail });
  }

  #tell(message) {
    this.channel.postMessage({ from: this.id, ...message });
  }

  #hear(message) {
    if (this.holds) this.#serve(message);
    else if (message.frame && !message.ask) this.user.frame(message.frame);
    else if (message.state) {
      this.online = message.state === "online";
      this.user.state(message.state, message.detail);
    } else if (message.to === this.id) {
      this.#answer(message.id, (asked) =>
        message.refused ? asked.reject(new Refused(message.refused)) : asked.resolve(message.answer));
    }
  }

  async #serve({ ask, id, frame, from }) {
    if (ask === "state") this.#tell({ state: this.state });
    else if (ask === "hurry") this.line.hurry();
    else if (ask === "send") this.line.send(frame);
    else if (ask === "request") {
      try {
        this.#tell({ to: from, id, answer: await this.line.request(frame) });
      } catch (error) {
        const { code = null, message, temporary, retryAfter = null } = error;
        this.#tell({ to: from, id, refused: { code, message, temporary, retryAfter } });
      }
    }
  }

  #giveUp() {
    for (const id of [...this.waiting.keys()]) this.#answer(id, (asked) => asked.reject(gone()));
  }

  #answer(id, how) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    clearTimeout(asked.timer);
    this.waiting.delete(id);
    how(asked);
  }
}

function gone() {
  return new Refused({ message: "the tab that held the line is gone", temporary: true });
}
