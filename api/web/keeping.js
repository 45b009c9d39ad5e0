// Keeping order, for those who run a room: reports, silences, bans, slow mode.
// Owns these parts of the dialog about a room. The server decides who may; what is offered follows from the role.

import { attempt } from "./announce.js";
import { full } from "./dates.js";
import { confirm, dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { spoken } from "./order.js";
import { button } from "./parts.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PACES = [0, 10, 30, 60, 300, 3600];

/** How long members wait between two messages. */
export function slowChoice(chat, room) {
  const choice = h("select.input", { id: "slow-mode", onchange: () =>
    attempt(() => chat.change("PATCH", `/v1/rooms/${room.id}`, { slow_s: Number(choice.value) }), "Saved.") },
  [...new Set([...PACES, chat.order.slow(room.id)])].sort((a, b) => a - b).map((seconds) =>
    h("option", { value: seconds }, seconds ? `One message every ${spoken(seconds)}` : "Off")));
  choice.value = String(chat.order.slow(room.id));
  return h("div.field", {}, h("label", { for: "slow-mode" }, "Slow mode"), choice);
}

/** What can be done about somebody who is in the room; `after` it was done. */
export function aboutMember(chat, room, one, after) {
  const at = `/v1/rooms/${room.id}`;
  dialog(one.name, (body, close) => {
    const act = (label, method, path, wanted, said) => h("button.action", {
      type: "button", onclick: async () => {
        close();
        if (await attempt(() => chat.change(method, path, wanted?.()), said)) after();
      },
    }, label);
    const until = (ms) => () => ({ until_ms: Date.now() + ms });
    const silence = `${at}/members/${one.id}/silence`;
    const ban = async () => {
      close();
      if (!(await confirm(`Ban ${one.name}?`, "They go, and come back by no way until you lift it.", "Ban"))) return;
      if (await attempt(() => chat.change("PUT", `${at}/bans/${one.id}`, {}), "Banned.")) after();
    };
    body.append(h("div.actions", {},
      act("Silence for an hour", "PUT", silence, until(HOUR_MS), "Silenced."),
      act("Silence for a day", "PUT", silence, until(DAY_MS), "Silenced."),
      act("Let them write again", "DELETE", silence, null, "They may write."),
      h("button.action.danger", { type: "button", onclick: ban }, "Ban from the room")));
  }, "small");
}

/** Who may not come in. */
export async function showBans(chat, room, place) {
  const { bans } = await chat.rest.get(`/v1/rooms/${room.id}/bans`);
  const lift = (one) => attempt(() => chat.change("DELETE", `/v1/rooms/${room.id}/bans/${one.person}`))
    .then(() => showBans(chat, room, place));
  fill(place, bans.length > 0 && h("h3.section-title", {}, "Banned"), h("ul.people", {}, bans.map((one) => h("li.person", {},
    h("span.person-text", {}, h("bdi.person-name", {}, one.name),
      h("span.person-note", {}, one.until_ms ? `until ${full(one.until_ms)}` : "until it is lifted")),
    h("span.person-actions", {}, button("Lift the ban", () => lift(one)))))));
}

/** What was reported here and nobody has settled. */
export async function showReports(chat, room, place) {
  const { reports } = await chat.rest.get(`/v1/rooms/${room.id}/reports`);
  const settle = (one, wanted) => attempt(() =>
    chat.change("POST", `/v1/rooms/${room.id}/reports/${one.id}/resolve`, wanted), "Done.")
    .then(() => showReports(chat, room, place));
  fill(place, reports.length > 0 && h("h3.section-title", {}, `${reports.length} reported`),
    h("ul.people", {}, reports.map((one) => h("li.report", {},
      h("blockquote.sheet-quote", { dir: "auto" }, one.evidence || "A picture"),
      h("p.hint", {}, `${chat.people.get(one.subject).name} · ${one.reason.replace("_", "-")}${one.note ? ` · ${one.note}` : ""}`),
      h("span.person-actions", {},
        button("Dismiss", () => settle(one, { action: "dismiss" })),
        button("Delete it", () => settle(one, { action: "delete" })),
        button("Silence for a day", () => settle(one, { action: "silence", until_ms: Date.now() + DAY_MS })))))));
}
