// What hangs on a message besides its words.
// Owns how attachments are shown. Nothing about them is known here but their ids: the name of each is its place.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** The attachments of a message, or null. @param {string[]|null|undefined} ids */
export function attachments(ids) {
  if (!ids?.length) return null;
  const label = ids.length === 1 ? "1 attachment" : `${ids.length} attachments`;
  return h("div.attachments", {}, icon("clip"), label);
}
