// Being there: checking in by hand or by the code at the door, and who else is here.
// Owns these; the code at the door is shown by door.js. Must never say more of others than was told.

import { attempt } from "./announce.js";
import { isHost } from "./agenda.js";
import { clock } from "./dates.js";
import { doorDialog } from "./door.js";
import { h, keyed, say } from "./dom.js";
import { counted, isOpen } from "./moments.js";
import { button, field, personRow } from "./parts.js";

const BY = { gps: "by your place", region: "by your place", hand: "by hand", qr: "by the code at the door", host: "by a host" };

export function beingPart(chat, agenda, { reload }) {
  let event = null;
  let here = null;
  let asking = 0;
  const count = h("p.part-note", { role: "status" });
  const mine = h("p.being-mine", { role: "status" });
  const list = h("ul.people");
  const more = h("p.part-note");
  const code = field("Code at the door", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 96 },
    "What the code that the hosts show says, word for word.");
  const byCode = h("form.by-code", { onsubmit: (submitted) => {
    submitted.preventDefault();
    withCode();
  } }, code.element, button("Check in by code", null));
  const details = h("details.more", {}, h("summary", {}, "I have a code"), byCode);
  const enter = button("Check in", () => check(() => agenda.checkIn(event.id)), "primary");
  const leave = button("Check out", () => check(() => agenda.checkOut(event.id)));
  const door = button("Show the code for the door", () => doorDialog(agenda, event));
  const closed = h("p.part-note");
  const element = h("section.part", { "aria-labelledby": "being-title" }, h("h3.part-title", { id: "being-title" }, "Who is here"),
    count, mine, closed, h("div.row-actions", {}, enter, leave, door), details, list, more);
  const rows = keyed(list, (one) => one.id, (one) => JSON.stringify([one.name, one.is_contact, one.entered_ms]),
    (one) => personRow(one, [one.is_contact && "contact", one.entered_ms && `since ${clock(one.entered_ms)}`].filter(Boolean).join(" · ")));

  async function check(work) {
    const visit = await attempt(work);
    if (visit) reload();
    return visit;
  }

  async function withCode() {
    const said = code.input.value.trim();
    if (!said) return code.fail("Paste the code, or scan it with the app.");
    try {
      await agenda.checkIn(event.id, said);
      code.fail("");
      code.input.value = "";
      details.open = false;
      return reload();
    } catch (error) {
      return code.fail(error.message);
    }
  }

  async function load({ id }) {
    if (!event || !isOpen(event, Date.now())) return;
    const now = (asking += 1);
    try {
      const told = await agenda.here(id);
      if (now !== asking) return;
      // Hosts are not told who of them is a contact of theirs, and know it.
      const isContact = (one) => one.is_contact || chat.contacts.get(one.id)?.state === "accepted";
      const people = told.people.map((one) => ({ ...one, is_contact: isContact(one) }));
      here = { ...told, people: people.sort((a, b) => Number(b.is_contact) - Number(a.is_contact)) };
      chat.people.learn(...here.people);
      show(event, Date.now());
    } catch {
      // What was told before stays; it is asked again.
    }
  }

  function show(now, at) {
    const first = !event;
    event = now;
    const open = isOpen(event, at);
    const over = ["ended", "cancelled"].includes(event.state) || event.ends_at_ms <= at;
    const visit = agenda.visits.get(event.id);
    const inside = open && visit?.inside;
    element.hidden = over;
    enter.hidden = !open || inside;
    leave.hidden = !inside;
    door.hidden = !isHost(event);
    details.hidden = !open || inside;
    say(closed, open ? "" : "You can check in once the doors are open.");
    say(mine, inside ? `You are checked in since ${clock(visit.at)}, ${BY[visit.source] ?? visit.source}.` : "");
    say(count, open && here ? words(here, isHost(event)) : "");
    rows(open && here ? here.people : []);
    const others = here?.unnamed ?? 0;
    say(more, open && others ? `${counted(others, "person").replace("persons", "people")} more, who are not named.` : "");
    if (first) load(event);
  }

  return { element, show, load };
}

function words({ count, as_of_ms: asOf }, exact) {
  if (count === null) return "Fewer than five people, or nobody, were seen here; a small number is not told.";
  const people = `${count.toLocaleString()} ${count === 1 ? "person is" : "people are"} here`;
  return exact ? `${people}.` : `At least ${people}, as of ${clock(asOf)}.`;
}
