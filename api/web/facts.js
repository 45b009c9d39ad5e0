// What an event is: when, where, who runs it, what it is about, and where it leads.
// Owns these lines and links. Must never answer for anybody.

import { attempt } from "./announce.js";
import { isHost, isInRoom } from "./agenda.js";
import { confirm } from "./dialog.js";
import { fill, h } from "./dom.js";
import { save } from "./download.js";
import { fenceWords } from "./fence.js";
import { icon } from "./icons.js";
import { span, spanThere } from "./moments.js";
import { button } from "./parts.js";
import { prose } from "./prose.js";

const SEEN_BY = { public: "Anybody may find it", link: "Whoever has the link", invited: "By invitation" };
const OVER = ["ended", "cancelled"];

export function factsPart(chat, agenda, { go, reload }) {
  const element = h("section.part.facts", { "aria-label": "About this event" });
  let printed = "";

  function show(event) {
    const host = event.owner ? chat.people.get(event.owner).name : "";
    const print = JSON.stringify([event.version, event.state, event.role, host]);
    if (print === printed) return;
    printed = print;
    const there = spanThere(event.starts_at_ms, event.ends_at_ms, event.zone);
    const doors = event.doors_at_ms < event.starts_at_ms && `Doors ${span(event.doors_at_ms, event.doors_at_ms)}`;
    const fence = fenceWords(event.fence);
    fill(element, h("ul.fact-list", {},
      fact("calendar", span(event.starts_at_ms, event.ends_at_ms), there, doors),
      (event.place_name || event.address || event.point) && fact("place", event.place_name || "On the map", event.address,
        fence && `Being there counts ${fence}`),
      fact("people", event.owner === chat.me ? "You host" : host && `Hosted by ${host}`, SEEN_BY[event.visibility])),
    event.about && h("p.about", { dir: "auto" }, prose(event.about, () => false)),
    h("div.row-actions", {}, actions(event), isHost(event) && !OVER.includes(event.state) && hosting(event)));
  }

  function actions(event) {
    const ics = () => attempt(async () => save(await chat.rest.get(`/v1/events/${event.id}/calendar`), "text/calendar", `${event.title}.ics`));
    return [isInRoom(event) && button("Open the room", () => go.room(event.id), "primary"),
      button("Add to my calendar", ics)];
  }

  function hosting(event) {
    const sure = async (title, text, label, what) => {
      if (!(await confirm(title, text, label))) return;
      if (await attempt(() => agenda.host(event.id, "POST", what))) reload();
    };
    const begun = event.starts_at_ms <= Date.now();
    return [button("Change", () => go.change(event)),
      begun ? button("End it now", () => sure("End this event?", "Everybody who is there leaves it.", "End it", "end"), "danger")
        : button("Call it off", () => sure("Call this event off?", "Everybody on the roster is told.", "Call it off", "cancel"), "danger")];
  }

  return { element, show };
}

function fact(sign, ...lines) {
  const [first, ...rest] = lines.filter(Boolean);
  return first && h("li.fact", {}, icon(sign), h("span.fact-text", {}, h("span.fact-first", { dir: "auto" }, first),
    rest.map((line) => h("span.fact-more", { dir: "auto" }, line))));
}
