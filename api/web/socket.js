// One WebSocket to a hub: frames out, answers to requests and pushes in.
// Owns request ids, deadlines of answers and how the socket ended. Must never reconnect.

import { SUBPROTOCOL, decode, encode } from "./frames.js";

const OPEN_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 5_000;

/** The answer `Error`, or none in time: then `temporary` is true and the outcome unknown. */
export class Refused extends Error {
  constructor({ code = null, message, temporary, retryAfter = null }) {
    super(message);
    Object.assign(this, { code, temporary, retryAfter });
  }
}

export class Socket {
  /**
   * @param {string} url of a hub, without a path
   * @param {(frame: object) => void} onframe every frame, answers too, before whoever waits for them
   * @param {(end: {code: number, reason: string, retryAfter: number|null}) => void} onend once
   */
  constructor(url, onframe, onend) {
    this.ids = 0;
    this.waiting = new Map();
    this.heardAt = performance.now();
    this.goaway = null;
    this.onframe = onframe;
    this.onend = onend;
    this.socket = new WebSocket(`${url}/v1/socket`, SUBPROTOCOL);
    this.opened = new Promise((open, fail) => {
      this.socket.onopen = open;
      this.failed = fail;
    });
    this.opened.catch(() => {});
    this.deadline = setTimeout(() => this.drop(), OPEN_WITHIN_MS);
    this.socket.onmessage = (event) => this.#take(event.data);
    this.socket.onclose = (event) => this.#end(event.code, event.reason);
    this.opened.then(() => clearTimeout(this.deadline), () => {});
  }

  /** Send a frame that asks for no answer. False if the socket is not open. */
  send(frame, id = 0) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(encode(frame, id));
    return true;
  }

  /** Send a request; its answer, or `Refused`. */
  request(frame) {
    this.ids = (this.ids % 2 ** 31) + 1;
    const id = this.ids;
    return new Promise((resolve, reject) => {
      const late = () => this.#settle(id, () => reject(new Refused({ message: "no answer in time", temporary: true })));
      this.waiting.set(id, { resolve, reject, timer: setTimeout(late, ANSWER_WITHIN_MS) });
      if (!this.send(frame, id)) {
        this.#settle(id, () => reject(new Refused({ message: "not connected", temporary: true })));
      }
    });
  }

  /** Say goodbye: 1000 means that this device is offline on purpose. */
  close() {
    this.socket.close(1000);
  }

  /** The connection is dead: end it for us without waiting for the other side. */
  drop() {
    this.socket.close();
    this.#end(1006, "nothing was heard");
  }

  #take(text) {
    this.heardAt = performance.now();
    const frame = decode(text);
    if (!frame) return;
    if (frame.type === "goaway") this.goaway = frame;
    this.onframe(frame);
    const asked = frame.id ? this.waiting.get(frame.id) : null;
    if (!asked) return;
    const refused = frame.type === "error";
    this.#settle(frame.id, () => (refused ? asked.reject(new Refused(frame)) : asked.resolve(frame)));
  }

  #settle(id, how) {
    clearTimeout(this.waiting.get(id)?.timer);
    this.waiting.delete(id);
    how();
  }

  #end(code, reason) {
    if (!this.onend) return;
    const tell = this.onend;
    this.onend = null;
    clearTimeout(this.deadline);
    this.socket.onmessage = null;
    this.failed(new Error("closed"));
    for (const [id, { reject }] of [...this.waiting]) {
      this.#settle(id, () => reject(new Refused({ message: "the connection ended", temporary: true })));
    }
    // Close frames are often lost: the goaway that was heard counts.
    tell({ code: this.goaway?.code ?? code, reason, retryAfter: this.goaway?.retryAfter ?? null });
  }
}
