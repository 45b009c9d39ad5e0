// Whether I come.
// Owns the three answers and what is said of places. The server decides who has one.

import { attempt } from "./announce.js";
import { h, say } from "./dom.js";
import { icon } from "./icons.js";

const ANSWERS = { going: "Going", maybe: "Maybe", no: "Not going" };
const OVER = ["ended", "cancelled"];
const ROOM = {
  answer: "Who may come is in its room.", entry: "Who comes in is put into its room.", never: "Its hosts say who is in its room.",
};

export function answerPart(chat, agenda, { take }) {
  let event = null;
  const heading = h("h3.part-title", { id: "answer-title" }, "Are you coming?");
  const said = h("p.part-note", { role: "status" });
  const numbers = h("p.part-note");
  const buttons = Object.entries(ANSWERS).map(([value, label]) => h("button.choice", {
    type: "button", "data-answer": value, onclick: () => answer(value),
  }, icon("check"), label));
  const group = h("div.choices", { role: "group", "aria-labelledby": "answer-title" }, buttons);
  const element = h("section.part", { "aria-labelledby": "answer-title" }, heading, group, said, numbers);

  async function answer(value) {
    const after = await attempt(() => agenda.answer(event.id, { answer: value }));
    if (after) take(after);
  }

  function show(now) {
    event = now;
    const over = OVER.includes(event.state);
    const mine = event.answer === "waitlist" ? "going" : event.answer;
    for (const one of buttons) {
      one.setAttribute("aria-pressed", String(one.dataset.answer === mine));
      one.disabled = over;
    }
    say(said, event.answer === "waitlist" ? "All places are taken. You are on the waitlist, and are told when you have one."
      : event.answer === "invited" ? `You are invited. ${ROOM[event.joins_on]}` : event.answer === "going" ? "" : ROOM[event.joins_on]);
    const { going, maybe, waitlist, capacity, invited } = event;
    say(numbers, [`${going.toLocaleString()}${capacity ? ` of ${capacity.toLocaleString()} places` : " going"}`, maybe && `${maybe} maybe`,
      waitlist && `${waitlist} waiting`, invited && `${invited} not answered`].filter(Boolean).join(" · "));
  }

  return { element, show };
}
