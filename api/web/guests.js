// The roster: who comes; and for hosts asking people, checking them in and out, making hosts.
// Owns that list and what is offered about somebody in it; the server decides again.

import { attempt, tell } from "./announce.js";
import { isHost } from "./agenda.js";
import { h, keyed, say } from "./dom.js";
import { finder } from "./finder.js";
import { isOpen } from "./moments.js";
import { button, personRow } from "./parts.js";

const WORDS = { invited: "invited", going: "going", maybe: "maybe", waitlist: "waiting", no: "not coming" };

export function guestsPart(chat, agenda, { reload }) {
  let event = null;
  let guests = [];
  let cursor = null;
  let asking = 0;
  let known = "";
  const title = h("h3.part-title", { id: "guests-title" }, "Who comes");
  const said = h("p.part-note");
  const list = h("ul.people");
  const more = button("More people", () => page(cursor), "link");
  const search = finder(chat, "Invite somebody", (one) => [button("Invite", () => invite(one))]);
  const element = h("section.part", { "aria-labelledby": "guests-title" }, title, search.element, said, list, more);
  const rows = keyed(list, (one) => one.id, (one) => JSON.stringify([one, event && isOpen(event, Date.now())]), line);

  function line(one) {
    const note = [one.id === chat.me && "you", one.is_host && "host", WORDS[one.answer]].filter(Boolean).join(" · ");
    return personRow(one, note, isHost(event) && one.id !== chat.me && offers(one));
  }

  function offers(one) {
    const guest = `roster/${one.id}`;
    const act = (label, method, what, done) => h("button.button.plain", {
      type: "button", "aria-label": `${label}: ${one.name}`, "data-focus": label, onclick: async () => {
        if (!(await attempt(() => agenda.host(event.id, method, what), done))) return;
        page();
        reload();
      },
    }, label);
    const open = isOpen(event, Date.now());
    return [open && act("Check in", "POST", `${guest}/check-in`, "Checked in."), open && act("Check out", "POST", `${guest}/check-out`, "Checked out."),
      !open && event.role === "owner" && (one.is_host ? act("No host", "DELETE", `hosts/${one.id}`, "A guest again.")
        : act("Make host", "PUT", `hosts/${one.id}`, "A host now.")),
      !open && !one.is_host && act("Remove", "DELETE", guest, "Removed.")];
  }

  async function invite(one) {
    if (!(await attempt(() => agenda.host(event.id, "PUT", `roster/${one.id}`)))) return;
    tell(`${one.name} is invited.`);
    page();
  }

  /** Asked again where the numbers say that it is another; what was shown of it beyond a page is then asked for anew. */
  async function load(now) {
    event = now;
    const print = JSON.stringify([now.id, now.version, now.going, now.maybe, now.waitlist, now.invited, isOpen(now, Date.now())]);
    if (print === known) return;
    known = print;
    await page();
  }

  async function page(after = null) {
    const turn = (asking += 1);
    try {
      const found = await agenda.roster(event.id, after);
      if (turn !== asking) return;
      chat.people.learn(...found.guests);
      guests = after ? [...guests, ...found.guests] : found.guests;
      cursor = found.cursor;
      draw();
    } catch {
      known = "";
      // The list stays as it was; it is asked again with the event.
    }
  }

  function draw() {
    rows(guests);
    more.hidden = !cursor;
    say(said, guests.length ? "" : "Nobody whom you may see has answered yet.");
  }

  function show(now) {
    event = now;
    search.element.hidden = !isHost(event) || ["ended", "cancelled"].includes(event.state);
  }

  return { element, show, load };
}
