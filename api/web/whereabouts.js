// Telling the server where this browser is, while somebody wants that and looks at the event.
// Owns how often is asked and told, and what became of it. Must never keep a place that is told, nor begin by itself.

import { fixes } from "./frames.js";

const EVERY_MS = 5_000;
const WITHIN_MS = 20_000;
const MOST = 50; // of one frame
const REFUSED = 1; // GeolocationPositionError.PERMISSION_DENIED

export class Whereabouts {
  /** @param {import("./chat.js").Chat} chat @param {() => void} changed */
  constructor(chat, changed) {
    this.chat = chat;
    this.changed = changed;
    this.on = false;
    this.timer = null;
    this.at = 0;
    this.gathered = [];
    this.problem = "";
    this.verdict = "";
    /** @type {Map<string, string>} how I stand with events, as last told */
    this.phases = new Map();
  }

  start() {
    if (this.on || !navigator.geolocation) return;
    this.on = true;
    this.problem = "";
    this.#look();
    this.changed();
  }

  stop() {
    if (!this.on) return;
    clearTimeout(this.timer);
    this.on = false;
    this.gathered = [];
    this.verdict = "";
    this.phases.clear();
    this.changed();
  }

  /** Ask anew each time: a browser that is watched says nothing while it stands still, and who stands still is there. */
  #look() {
    navigator.geolocation.getCurrentPosition((found) => this.#took(found), (error) => this.#failed(error),
      { enableHighAccuracy: true, maximumAge: 0, timeout: WITHIN_MS });
  }

  #later() {
    clearTimeout(this.timer);
    if (this.on) this.timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  async #took({ coords, timestamp }) {
    if (!this.on) return;
    if (timestamp <= this.at) {
      this.#later();
      return;
    }
    this.at = timestamp;
    const fix = [coords.latitude, coords.longitude, coords.accuracy, Math.round(timestamp), coords.speed ?? null, false];
    this.gathered = [...this.gathered, fix].slice(-MOST);
    try {
      const { verdicts, events } = await this.chat.tabs.request(fixes(this.gathered));
      this.gathered = [];
      this.problem = "";
      this.verdict = this.on ? verdicts.at(-1) : "";
      for (const { room, phase } of this.on ? events : []) this.phases.set(room, phase);
    } catch (error) {
      // What could not be told goes with the next: the server takes late ones.
      this.problem = error.message;
    }
    this.changed();
    this.#later();
  }

  #failed({ code }) {
    if (code === REFUSED) this.stop();
    this.problem = code === REFUSED ? "This browser may not say where it is." : "This browser does not know where it is just now.";
    this.changed();
    this.#later();
  }
}

const PHASES = {
  near: "You are near.", pending_in: "You are arriving …", inside: "You are inside.", pending_out: "You are leaving …", left: "You have left.",
};
const VERDICTS = {
  inaccurate: "Your place is too vague just now to count.", mocked: "A made-up place does not count.",
  jump: "Your place jumped; it is looked at again.", too_fast: "You move too fast to be at an event.",
  future: "The clock of this device is wrong.", ancient: "The clock of this device is wrong.",
};

/** What becomes of it, in words. */
export function whereWords(whereabouts, room) {
  if (!whereabouts.on) return whereabouts.problem;
  return whereabouts.problem || VERDICTS[whereabouts.verdict] || PHASES[whereabouts.phases.get(room)]
    || (whereabouts.verdict ? "You are not there yet." : "Finding out where this is …");
}
