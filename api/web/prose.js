// The words of a message as nodes: links that can be followed, names that are meant, marks where something was found.
// Owns what in a text is a link. Must never make an address of anything but http and https, nor markup of a text.

import { h } from "./dom.js";

const PIECES = /(https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]}])|(@[A-Za-z0-9_.-]{2,31}[A-Za-z0-9])/g;

/** @param {string} text @param {(handle: string) => boolean} isPerson whether an @handle is somebody here */
export function prose(text, isPerson = () => false) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(PIECES)) {
    const [piece, link, handle] = found;
    if (handle && !isPerson(handle.slice(1).toLowerCase())) continue;
    nodes.push(text.slice(from, found.index));
    nodes.push(link && URL.canParse(link)
      ? h("a", { href: link, target: "_blank", rel: "noopener noreferrer nofollow" }, link)
      : handle ? h("span.mention", {}, handle) : piece);
    from = found.index + piece.length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

/** A text with the looked-for words marked. */
export function marked(text, query) {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  if (!words.length) return [text];
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
  return text.split(pattern).map((part, place) => (place % 2 ? h("mark", {}, part) : part));
}

/** One to three emoji and nothing else: shown large. */
export function isBigEmoji(text) {
  return /^(\p{Extended_Pictographic}(\uFE0F|\u200D|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,3}$/u.test(text.trim())
    && [...text].length <= 20;
}
