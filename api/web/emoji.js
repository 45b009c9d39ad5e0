// A few emoji to choose from.
// Owns the choice. What is chosen for is somebody else's.

import { h } from "./dom.js";

export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

const ALL = [
  ["😀", "grinning"], ["😄", "laughing eyes"], ["😂", "tears of joy"], ["🙂", "smile"], ["😉", "wink"], ["😍", "heart eyes"],
  ["😘", "kiss"], ["😎", "cool"], ["🤔", "thinking"], ["😮", "surprised"], ["😢", "crying"], ["😭", "sobbing"],
  ["😡", "angry"], ["😴", "asleep"], ["🥳", "party face"], ["🤯", "mind blown"], ["👍", "thumbs up"], ["👎", "thumbs down"],
  ["👏", "clapping"], ["🙏", "thank you"], ["👋", "wave"], ["💪", "strong"], ["👀", "eyes"], ["🤝", "handshake"],
  ["❤️", "heart"], ["💔", "broken heart"], ["🔥", "fire"], ["✨", "sparkles"], ["🎉", "party"], ["🎶", "music"],
  ["☕", "coffee"], ["🍕", "pizza"], ["🍻", "cheers"], ["🌈", "rainbow"], ["☀️", "sun"], ["🚀", "rocket"],
];

/** A row of the most used. */
export function quickRow(choose, mine = () => false) {
  return h("div.emoji-row", { role: "group", "aria-label": "React" },
    QUICK.map((emoji) => h("button.emoji", { type: "button", "aria-label": `React with ${emoji}`,
      "aria-pressed": String(mine(emoji)), onclick: () => choose(emoji) }, emoji)));
}

export function emojiGrid(choose) {
  return h("div.emoji-grid", { role: "group", "aria-label": "Emoji" },
    ALL.map(([emoji, name]) => h("button.emoji", { type: "button", "aria-label": name, title: name,
      onclick: () => choose(emoji) }, emoji)));
}
