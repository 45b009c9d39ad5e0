// The tokens of whoever is logged in here, shared by all tabs of this browser.
// Owns where they are kept and that one tab at a time renews them: a refresh token is used once. Kept in
// localStorage, or in sessionStorage for somebody who wants this tab alone. Must never put them anywhere else.

const KEY = "muster.tokens";
const INSTALL = "muster.install";
const EARLY_MS = 60_000;

/** Where a tab's own login comes before the browser's. */
function places() {
  return [sessionStorage, localStorage];
}

export class LoggedOut extends Error {}

export class Tokens {
  /** @param {(refreshToken: string) => Promise<object>} renew asks the api; rejects with `LoggedOut` */
  constructor(renew) {
    this.renew = renew;
    /** Called when somebody logs out, in this tab or another. */
    this.onend = () => {};
    addEventListener("storage", (event) => {
      if (event.key === KEY && event.newValue === null && !this.held) this.onend();
    });
  }

  /** What is held: `{person, access, endsAt, refresh}`, or null. Always as the last tab left it. */
  get held() {
    for (const place of places()) {
      const text = place.getItem(KEY);
      if (text) return JSON.parse(text);
    }
    return null;
  }

  /** The answer to a login. `stay`: for all tabs, and after the browser is closed. */
  begin(grant, stay) {
    this.#keep(grant, stay ? localStorage : sessionStorage);
  }

  /** An access token that works for a while yet. `spent`: one that was just refused. */
  async access(spent = null) {
    const held = this.#held();
    if (held.access !== spent && held.endsAt - Date.now() > EARLY_MS * share(held)) return held.access;
    return exclusively(KEY, async () => {
      const now = this.#held();
      // Another tab has been here meanwhile.
      if (now.access !== held.access) return now.access;
      const place = places().find((one) => one.getItem(KEY));
      const grant = await this.renew(now.refresh);
      if (!this.held) throw new LoggedOut();
      this.#keep(grant, place);
      return grant.access_token;
    });
  }

  /** When the access token should be renewed, by this machine's clock. */
  get renewAt() {
    const held = this.held;
    return held ? held.endsAt - EARLY_MS * share(held) : Infinity;
  }

  end() {
    for (const place of places()) place.removeItem(KEY);
    this.onend();
  }

  #held() {
    const held = this.held;
    if (!held) throw new LoggedOut();
    return held;
  }

  #keep(grant, place) {
    const lifeMs = grant.expires_in * 1000;
    const kept = {
      person: grant.person, access: grant.access_token, refresh: grant.refresh_token, lifeMs, endsAt: Date.now() + lifeMs,
    };
    place.setItem(KEY, JSON.stringify(kept));
  }
}

/** Tokens that live shorter than usual are renewed later, by their measure. */
function share(held) {
  return Math.min(1, held.lifeMs / (4 * EARLY_MS));
}

/** This installation: chosen once and kept. A tab of its own is an installation of its own. */
export function install(stay) {
  const place = stay ? localStorage : sessionStorage;
  const known = place.getItem(INSTALL) ?? newId();
  place.setItem(INSTALL, known);
  return known;
}

/** A random id; `crypto.randomUUID` is not there on plain http. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Only one tab at a time. Without locks (plain http) there is nothing better than to go on. */
function exclusively(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}
