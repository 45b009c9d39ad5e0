// Logging in by another service: there, and back with a code.
// Owns the verifier, which stays in this tab until the code is back. Must never put a word into an address.

import { plain } from "./rest.js";
import { install } from "./tokens.js";

const KEY = "muster-elsewhere";

/** Whether this browser can: without a secure context it has no hash. */
export const able = () => Boolean(globalThis.crypto?.subtle);

/**
 * Leave for a service. `ask` sends the body and gives the address; `note` is what is needed when one is back.
 * @param {(body: object) => Promise<{url: string}>} ask @param {{stay?: boolean, link?: boolean}} note
 */
export async function leave(ask, note) {
  const verifier = text(crypto.getRandomValues(new Uint8Array(48)));
  const challenge = text(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  const { url } = await ask({ challenge, redirect: `${location.origin}/app` });
  sessionStorage.setItem(KEY, JSON.stringify({ ...note, verifier }));
  location.assign(url);
}

/** What one has come back with, once: null, or `code` or `error` beside the note. The address forgets it. */
export function returned() {
  const query = new URLSearchParams(location.search);
  const [code, error] = [query.get("code"), query.get("error")];
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (!code && !error) return null;
  history.replaceState(null, "", "/app");
  return kept ? { ...JSON.parse(kept), code, error } : null;
}

/** The login that was begun: a grant, or what its second step needs. */
export function finished({ code, verifier, stay }) {
  const body = { code, verifier, install: install(stay), app: "muster-page", platform: "web", language: navigator.language };
  return plain("POST", "/v1/oauth/complete", body);
}

function text(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
