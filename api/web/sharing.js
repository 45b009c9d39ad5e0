// What my place is used for at an event, in one plain sentence each; and whether this page tells it.
// Owns that choice. Must never send a place before it was made.

import { attempt } from "./announce.js";
import { h, say } from "./dom.js";
import { isOpen } from "./moments.js";
import { whereWords } from "./whereabouts.js";

const SHARING = {
  off: ["Off", "Your place is not used; only what you or a host do by hand is kept."],
  ghost: ["Ghost", "You count in the hosts' totals, and nobody is told that it is you."],
  on: ["On", "Whoever may see your events sees that you are here, the hosts among them."],
};

export function sharingPart(chat, agenda, { take, whereabouts }) {
  let event = null;
  const radios = Object.entries(SHARING).map(([value, [name, sentence]]) => {
    const input = h("input", { type: "radio", name: "sharing", value, "aria-describedby": `sharing-${value}`, onchange: () => share(value) });
    return { input, element: h("label.option", {}, input, h("span.option-text", {}, h("b", {}, name),
      h("span.option-note", { id: `sharing-${value}` }, sentence))) };
  });
  const set = h("fieldset.plain", {}, h("legend.part-title", {}, "Your place"), radios.map((one) => one.element));
  const telling = h("input", { type: "checkbox", onchange: () => (telling.checked ? whereabouts.start() : whereabouts.stop()) });
  const tell = h("label.check", {}, telling, "Let this page say where I am while it is open");
  const said = h("p.part-note", { role: "status" });
  const element = h("section.part", { "aria-label": "Your place" }, set, tell, said);

  async function share(value) {
    const after = await attempt(() => agenda.answer(event.id, { sharing: value }));
    take(after || event);
  }

  function show(now, at) {
    event = now;
    element.hidden = ["ended", "cancelled"].includes(event.state) || !event.fence;
    for (const { input } of radios) input.checked = input.value === event.sharing;
    tell.hidden = event.sharing === "off" || !isOpen(event, at);
    telling.checked = whereabouts.on;
    say(said, tell.hidden ? "" : whereWords(whereabouts, event.id));
  }

  return { element, show };
}
