// Telling the server where this browser is, while somebody wants that and looks at the event.
// Owns the watch, how often is told, and what became of it. Must never keep a place that is told, nor begin by itself.

import { fixes } from "./frames.js";

const EVERY_MS = 10_000;
const MOST = 50; // of one frame

export class Whereabouts {
  /** @param {import("./chat.js").Chat} chat @param {() => void} changed */
  constructor(chat, changed) {
    this.chat = chat;
    this.changed = changed;
    this.watching = null;
    this.gathered = [];
    this.problem = "";
    /** @type {Map<string, string>} how I stand with events, as last told */
    this.phases = new Map();
    this.verdict = "";
  }

  get on() {
    return this.watching !== null;
  }

  start() {
    if (this.on || !navigator.geolocation) return;
    this.problem = "";
    this.watching = navigator.geolocation.watchPosition((one) => this.#take(one), (error) => this.#fail(error),
      { enableHighAccuracy: true, maximumAge: 0, timeout: 60_000 });
    this.ticking = setInterval(() => this.#tell(), EVERY_MS);
    this.changed();
  }

  stop() {
    if (!this.on) return;
    navigator.geolocation.clearWatch(this.watching);
    clearInterval(this.ticking);
    this.watching = null;
    this.gathered = [];
    this.verdict = "";
    this.phases.clear();
    this.changed();
  }

  #take({ coords, timestamp }) {
    const first = !this.gathered.length && !this.verdict;
    this.gathered.push([coords.latitude, coords.longitude, coords.accuracy, Math.round(timestamp), coords.speed ?? null, false]);
    this.gathered = this.gathered.slice(-MOST);
    if (first) this.#tell();
  }

  #fail({ code }) {
    if (code === 1) this.stop();
    this.problem = code === 1 ? "This browser may not say where it is." : "This browser does not know where it is just now.";
    this.changed();
  }

  async #tell() {
    if (!this.gathered.length || this.telling) return;
    const told = this.gathered;
    this.gathered = [];
    this.telling = true;
    try {
      const { verdicts, events } = await this.chat.tabs.request(fixes(told));
      this.verdict = verdicts.at(-1);
      for (const { room, phase } of events) this.phases.set(room, phase);
      this.problem = "";
    } catch (error) {
      // What could not be told now goes with the next; the server takes late ones.
      if (this.on) this.gathered = [...told, ...this.gathered].slice(-MOST);
      this.problem = error.message;
    }
    this.telling = false;
    if (!this.on) this.gathered = [];
    this.changed();
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
