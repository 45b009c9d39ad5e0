// The REST half: requests with the token, problems as errors, repeats that are safe.
// Owns what a request is. Must never know what one is about.

import { LoggedOut } from "./tokens.js";

const TRIES = 3;
const WITHIN_MS = 15_000;
const PAUSE_MOST_MS = 10_000; // whoever has to wait for longer is told so

/** A problem document: `code`, `temporary`, and a sentence. */
export class Problem extends Error {
  constructor(status, document, retryAfterMs) {
    super(document.detail ?? document.title ?? `the server answered ${status}`);
    this.status = status;
    this.code = document.code ?? null;
    this.temporary = document.temporary ?? status >= 500;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer at all: offline, or a server that is away. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached just now.");
    this.temporary = true;
    this.retryAfterMs = 1000;
  }
}

export class Rest {
  /** @type {import("./tokens.js").Tokens} set once both exist */
  tokens = null;

  get(path, query = {}) {
    const asked = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    return this.ask("GET", asked.length ? `${path}?${new URLSearchParams(asked)}` : path);
  }

  /** A request with the token. What is temporary is tried again; a change carries a key that makes that safe. */
  async ask(method, path, body = undefined, key = null) {
    let token = await this.tokens.access();
    let renewed = false;
    for (let tried = 1; ; tried += 1) {
      try {
        return await plain(method, path, body, { Authorization: `Bearer ${token}`, ...keyed(key) });
      } catch (error) {
        if (error.status === 401 && !renewed) {
          renewed = true;
          token = await this.tokens.access(token);
        } else if (error.status === 401) {
          this.tokens.end();
          throw new LoggedOut();
        } else if (!error.temporary || tried === TRIES || (method === "POST" && !key)) throw error;
        else if (error.retryAfterMs > PAUSE_MOST_MS) throw error;
        else await pause(error.retryAfterMs ?? 300 * tried);
      }
    }
  }
}

/** A request without a token. */
export async function plain(method, path, body = undefined, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      signal: AbortSignal.timeout(WITHIN_MS),
    });
  } catch {
    throw new Unreachable();
  }
  if (answer.status === 204) return null;
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.includes("json");
  const document = text && json ? JSON.parse(text) : {};
  if (answer.ok) return json || !text ? document : text; // a calendar or a table is its text
  const wait = Number(answer.headers.get("retry-after"));
  throw new Problem(answer.status, document, wait ? wait * 1000 : undefined);
}

function keyed(key) {
  return key ? { "Idempotency-Key": key } : {};
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
