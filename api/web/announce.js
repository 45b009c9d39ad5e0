// What is said aloud and what passes by: a live region for screen readers, short notices for everybody.
// Owns both places on the page. Must never take the focus.

import { h, say } from "./dom.js";

const SHOWN_MS = 5000;
const CHARS = 200;

const region = h("div.unseen", { "aria-live": "polite", role: "log", "aria-label": "New messages" });
const notice = h("div.notice", { role: "status" });
let hiding = null;

export const places = [region, notice];

/** A new message, for those who do not see it come. */
export function announce(text) {
  region.append(h("p", {}, text.slice(0, CHARS)));
  while (region.childElementCount > 5) region.firstElementChild.remove();
}

/** A short notice that goes by itself. */
export function tell(text) {
  say(notice, text);
  notice.classList.add("shown");
  // A modal dialog covers what is not in it.
  (document.querySelector("dialog[open]") ?? document.body).append(notice);
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    notice.classList.remove("shown");
    say(notice, "");
  }, SHOWN_MS);
}

/** Do it, and tell if it cannot be done. */
export async function attempt(work, done = "") {
  try {
    const result = await work();
    if (done) tell(done);
    return result ?? true;
  } catch (error) {
    tell(error.message);
    return null;
  }
}
