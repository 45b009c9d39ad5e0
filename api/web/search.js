// What was found: messages of my rooms that hold the words looked for.
// Owns one search and its pages. Must never keep a hit longer than its words stand in the field.

import { brief } from "./dates.js";
import { fill, h } from "./dom.js";
import { face } from "./parts.js";
import { marked } from "./prose.js";

let asked = 0;

/** Fill `place` with what is found. @param {(room: string, seq: number) => void} open */
export async function found(place, chat, words, open) {
  const turn = (asked += 1);
  if (words.length < 2) {
    fill(place);
    return;
  }
  await page(place, chat, words, open, null, () => turn === asked);
}

async function page(place, chat, words, open, before, current) {
  let answer;
  try {
    answer = await chat.rest.get("/v1/search", { q: words, limit: 20, before });
  } catch (error) {
    if (current()) fill(place, h("h2.list-title", {}, "Messages"), h("p.empty.small", { role: "status" }, error.message));
    return;
  }
  if (!current()) return;
  const lines = answer.hits.map((hit) => hitLine(chat, hit, words, open));
  if (!before) {
    const count = answer.hits.length;
    const said = count ? `${count}${answer.cursor ? " or more" : ""} found` : "No message holds these words.";
    fill(place, h("h2.list-title", {}, "Messages"), h(count ? "p.unseen" : "p.empty.small", { role: "status" }, said),
      h("ul.rooms"));
  }
  place.querySelector("ul").append(...lines);
  place.querySelector(".more")?.remove();
  if (answer.cursor) {
    const more = () => page(place, chat, words, open, answer.cursor, current);
    place.append(h("button.button.link.more", { type: "button", onclick: more }, "Older messages"));
  }
}

function hitLine(chat, hit, words, open) {
  const room = chat.roster.rooms.get(hit.room);
  const author = chat.people.get(hit.author);
  const text = hit.body.text ?? "";
  return h("li", {}, h("button.room.hit", { type: "button", onclick: () => open(hit.room, hit.seq) },
    face(author.id, author.name),
    h("span.room-text", {},
      h("span.room-top", {}, h("bdi.room-title", {}, hit.author === chat.me ? "You" : author.name),
        h("span.room-in", {}, room ? chat.title(room) : ""), h("time.room-time", {}, brief(hit.at_ms, Date.now()))),
      h("span.preview.two", { dir: "auto" }, marked(excerpt(text, words), words)))));
}

/** The part of a long text in which the first word stands. */
function excerpt(text, words) {
  const first = words.toLowerCase().match(/[\p{L}\p{N}]+/u)?.[0] ?? "";
  const at = text.toLowerCase().indexOf(first);
  return at > 60 ? `…${text.slice(at - 40, at + 160)}` : text.slice(0, 200);
}
