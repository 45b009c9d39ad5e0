// When to come back after a socket has ended, and whether at all.
// Owns the verdicts on close codes and the pauses (docs/protocol.md, 11 and 13). Must never wait itself.

const FIRST_MS = 500;
const MOST_MS = 30_000;
const LIVED_MS = 10_000;
const OUR_FAULT = new Set([1002, 1003, 1007, 1008, 1009, 1010]);
const TOKEN_EXPIRED = 4004;
const REPLACED = 4007;

/** What a close code asks for: "back", "token" (then back), "replaced" or "stop". */
export function verdict(code) {
  if (code === TOKEN_EXPIRED) return "token";
  if (code === REPLACED) return "replaced";
  if ((code >= 4500 && code <= 4999) || OUR_FAULT.has(code)) return "stop";
  return "back";
}

export class Backoff {
  /** @param {() => number} random between 0 and 1 */
  constructor(random) {
    this.random = random;
    this.ceiling = FIRST_MS;
  }

  /**
   * The pause before the next try, after a socket that lived so long. Full jitter; the server's wish on top, or where
   * it broke without one, spread over what the server asked for when all was well.
   */
  pause(livedMs, retryAfterMs = null, spreadMs = 0) {
    if (livedMs >= LIVED_MS) this.ceiling = FIRST_MS;
    const ceiling = retryAfterMs === null ? Math.max(this.ceiling, spreadMs) : this.ceiling;
    const pause = this.random() * ceiling + (retryAfterMs ?? 0);
    this.ceiling = Math.min(this.ceiling * 2, MOST_MS);
    return pause;
  }
}
