// Pictures and files: how they are drawn, where they are read, and how they are uploaded.
// Owns what is known of each medium and the steps of an upload. Must never show one.

import { send } from "./form.js";

const LOOKED_UP_MOST = 100;
const ASK_AFTER_MS = 10;
const AGAIN_MS = 2_000;
const EARLY_MS = 10_000;
const READY_WITHIN_MS = 60_000;
const PAUSE_MS = 250;
const NAME_CHARS = 120;
const KEPT = 2_000;

export const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];
export const MOST = 10;

const WHY = {
  empty: "The file is empty.",
  too_large: "The picture is larger than may be sent.",
  wrong_type: "This is not the picture it says it is.",
  not_taken: "Pictures are JPEG, PNG, WebP or GIF.",
  unreadable: "The picture cannot be read: the file may be damaged.",
  too_many_pixels: "The picture has more pixels than may be sent.",
  too_costly: "The picture takes too long to read.",
  limit_exceeded: "You have uploaded as much as you may for now.",
};

/** An upload that came to nothing, in words; `temporary`: the same may work later. */
export class NotUploaded extends Error {
  constructor(words, temporary = false) {
    super(words);
    this.temporary = temporary;
  }
}

/**
 * @typedef {object} Info
 * @property {string} id @property {string} type @property {number} bytes @property {string} [name]
 * @property {number} [width] @property {number} [height]
 */

export class Media {
  /** @param {import("./rest.js").Rest} rest @param {() => void} changed */
  constructor(rest, changed) {
    this.rest = rest;
    this.changed = changed;
    /** @type {Map<string, {info: Info|null, urls: Record<string, string>|null, until: number, gone: boolean}>} */
    this.known = new Map();
    this.wanted = new Set();
    this.asking = null;
  }

  /** What a history page says of them. */
  learn(infos) {
    for (const info of infos) this.#of(info.id).info = info;
  }

  /** What is known of one; addresses that are missing or old are asked for. */
  get(id) {
    const one = this.#of(id);
    if (!one.gone && one.until - EARLY_MS < Date.now()) this.#want(id);
    return one;
  }

  /** All that is shown of one, as text. */
  print(id) {
    const { info, urls, gone } = this.#of(id);
    return [info?.width, urls?.["512"] ?? urls?.full, gone];
  }

  /** Where to read one just now. */
  async address(id, size) {
    return (await this.rest.get(`/v1/media/${id}`, { size, answer: "json" })).url;
  }

  /**
   * Upload a picture. `key` makes a repeat the same upload. Throws `NotUploaded`.
   * @param {File} file @param {string} key @param {(share: number) => void} told 0 to 1
   * @param {AbortSignal} signal @returns {Promise<string>} its id
   */
  async upload(file, key, told, signal) {
    if (!TYPES.includes(file.type)) throw new NotUploaded(WHY.not_taken);
    if (!file.size) throw new NotUploaded(WHY.empty);
    try {
      const name = file.name.replace(/\p{C}/gu, "").slice(0, NAME_CHARS).trim();
      const asked = { purpose: "attachment", type: file.type, bytes: file.size, name };
      const ticket = await this.rest.ask("POST", "/v1/media", asked, key);
      await send(ticket, file, told, signal);
      const media = await this.#ready(ticket.id, signal);
      this.learn([media.info]);
      return media.id;
    } catch (error) {
      if (error instanceof NotUploaded) throw error;
      throw new NotUploaded(WHY[error.code] ?? error.message, error.temporary ?? false);
    }
  }

  /** Ask what became of it until it is ready. */
  async #ready(id, signal) {
    const late = Date.now() + READY_WITHIN_MS;
    for (let pause = PAUSE_MS; ; pause = Math.min(2 * pause, AGAIN_MS)) {
      signal.throwIfAborted();
      const last = Date.now() > late;
      try {
        const media = await this.rest.ask("POST", `/v1/media/${id}/complete`);
        if (media.state === "ready") return media;
        if (media.state !== "processing") throw new NotUploaded(WHY[media.refusal] ?? media.detail ?? "The picture was not taken.");
      } catch (error) {
        if (!error.temporary || last) throw error;
      }
      if (last) throw new NotUploaded("The server is still busy with the picture.", true);
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  #of(id) {
    if (!this.known.has(id)) {
      this.known.set(id, { info: null, urls: null, until: 0, gone: false });
      if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    }
    return this.known.get(id);
  }

  #want(id) {
    this.wanted.add(id);
    this.asking ??= setTimeout(() => this.#ask(), ASK_AFTER_MS);
  }

  async #ask() {
    const ids = [...this.wanted].slice(0, LOOKED_UP_MOST);
    let pause = ASK_AFTER_MS;
    try {
      // It changes nothing, so a repeat is safe without a key.
      const found = await this.rest.ask("POST", "/v1/media/lookup", { ids });
      const there = new Map(found.media.map((one) => [one.media.id, one]));
      for (const id of ids) {
        const one = there.get(id);
        this.wanted.delete(id);
        this.known.set(id, { info: one?.media ?? null, urls: one?.urls ?? null, until: found.until_ms, gone: !one });
      }
      this.changed();
    } catch (error) {
      if (error.temporary) pause = error.retryAfterMs ?? AGAIN_MS;
      else ids.forEach((id) => this.wanted.delete(id));
    }
    this.asking = this.wanted.size ? setTimeout(() => this.#ask(), pause) : null;
  }
}
