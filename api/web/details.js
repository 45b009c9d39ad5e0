// About a room: who is in it, pins, muting, invite links, leaving, blocking.
// Owns the dialog. Which of it somebody may do follows their role; the server decides again.

import { attempt } from "./announce.js";
import { confirm, dialog } from "./dialog.js";
import { brief } from "./dates.js";
import { fill, h, keyed } from "./dom.js";
import { finder } from "./finder.js";
import { icon } from "./icons.js";
import { aboutMember, showBans, showReports, slowChoice } from "./keeping.js";
import { isMuted } from "./list.js";
import { button, iconButton, personRow } from "./parts.js";

const MUTED_MS = 8 * 3_600_000;
const PRESENCE_MS = 1000;

/** @param {(seq: number) => void} jump @param {() => void} leave the room is not mine any more */
export function details(chat, room, jump, leave) {
  if (!room) return;
  dialog(chat.title(room), (body, close) => {
    const at = `/v1/rooms/${room.id}`;
    const ranks = room.role === "owner" || room.role === "moderator";
    const gone = () => {
      close();
      leave();
    };
    const pins = h("section");
    const members = h("section");
    const links = h("section");
    const topic = h("p.topic", { dir: "auto" });
    const mute = h("button.action", { type: "button", onclick: () => muting(chat, room, mute) });
    labelMute(room, mute);
    const act = (of, onclick, sign, label) => h(of, { type: "button", onclick }, icon(sign), label);
    const others = room.kind === "direct"
      ? [room.peer && act("button.action.danger", () => block(chat, room, gone), "close", "Block")]
      : [act("button.action", () => makeLink(chat, at, links), "link", "Make an invite link"),
        act("button.action.danger", () => leaving(chat, room, gone), "leave", "Leave the room")];
    const reports = h("section");
    const bans = h("section");
    const keeps = ranks && room.kind !== "direct";
    body.append(topic, h("div.actions", {}, mute, others), reports, links, pins, keeps && slowChoice(chat, room) || "", bans, members);
    if (room.role === "invited") return null;
    if (keeps) members.after = () => attempt(() => showBans(chat, room, bans));
    if (keeps) attempt(() => Promise.all([showReports(chat, room, reports), showBans(chat, room, bans)]));
    attempt(async () => {
      const found = await chat.rest.get(at);
      topic.textContent = found.topic;
    });
    attempt(() => chat.loadPins(room.id).then(() => showPins(chat, room, pins, (seq) => {
      close();
      jump(seq);
    })));
    attempt(() => showMembers(chat, room, members, ranks));
    if (room.kind !== "direct") attempt(() => showLinks(chat, at, links));
    const ticking = setInterval(() => members.refresh?.(), PRESENCE_MS);
    return () => clearInterval(ticking);
  });
}

function labelMute(room, mute) {
  fill(mute, icon("mute"), isMuted(room) ? "Unmute" : "Mute for 8 hours");
  mute.setAttribute("aria-pressed", String(isMuted(room)));
}

async function muting(chat, room, mute) {
  const until = isMuted(room) ? 0 : Date.now() + MUTED_MS;
  const level = room.level === "none" ? "default" : undefined; // what else was chosen elsewhere stays
  const body = { until_ms: until, level };
  if (!(await attempt(() => chat.change("PUT", `/v1/rooms/${room.id}/mute`, body)))) return;
  Object.assign(chat.roster.rooms.get(room.id) ?? room, { muted_until_ms: until || null, level: level ?? room.level });
  room.muted_until_ms = until || null;
  labelMute(room, mute);
  chat.changed();
}

async function leaving(chat, room, gone) {
  if (!(await confirm(`Leave ${chat.title(room)}?`, "You will not get what is said after.", "Leave"))) return;
  if (await attempt(() => chat.change("POST", `/v1/rooms/${room.id}/leave`))) gone();
}

async function block(chat, room, gone) {
  const text = "You will not see what they write, and they do not learn of it.";
  if (!(await confirm(`Block ${chat.title(room)}?`, text, "Block"))) return;
  if (await attempt(() => chat.change("PUT", `/v1/me/blocks/${room.peer.id}`), "Blocked.")) gone();
}

function showPins(chat, room, place, jump) {
  const pins = chat.pins.get(room.id) ?? [];
  if (!pins.length) return;
  fill(place, h("h3.section-title", {}, "Pinned"), h("ul.people", {}, pins.map(({ message }) => h("li", {},
    h("button.action", { type: "button", onclick: () => jump(message.seq) }, icon("pin"),
      h("span.pin-text", { dir: "auto" }, (message.body.text ?? "").slice(0, 160)))))));
}

async function showMembers(chat, room, place, ranks) {
  const { members, more } = await chat.people.ofRoom(room.id);
  const kick = (one) => attempt(() => chat.change("DELETE", `/v1/rooms/${room.id}/members/${one.id}`))
    .then(() => showMembers(chat, room, place, ranks));
  const again = () => Promise.all([showMembers(chat, room, place, ranks), place.after?.()]);
  const invite = async (one) => attempt(() => chat.change("PUT", `/v1/rooms/${room.id}/members/${one.id}`), "Invited.");
  const notes = { owner: "owner", moderator: "moderator" };
  const list = h("ul.people");
  const there = (one) => chat.presence.state(one.id, Date.now());
  const note = (one) => [one.id === chat.me ? "you" : notes[one.role], chat.presence.words(one.id, Date.now())].filter(Boolean).join(" · ");
  const show = keyed(list, (one) => one.id, (one) => JSON.stringify([one.name, one.role, there(one), note(one)]), (one) =>
    personRow({ ...one, there: there(one) }, note(one),
      ranks && room.kind !== "direct" && one.id !== chat.me && [button("Remove", () => kick(one)),
        iconButton("more", `More about ${one.name}`, () => aboutMember(chat, room, one, again), { "aria-haspopup": "dialog" })]));
  place.refresh = () => show(members);
  place.refresh();
  fill(place, h("h3.section-title", {}, `${more ? "More than " : ""}${members.length} people`),
    room.kind !== "direct" && finder(chat, "Invite somebody", (one) => [button("Invite", () => invite(one))]).element,
    list);
}

async function makeLink(chat, at, place) {
  const link = await attempt(() => chat.change("POST", `${at}/links`, {}));
  if (!link) return;
  await attempt(() => showLinks(chat, at, place));
  await attempt(() => navigator.clipboard.writeText(address(link)), "The link is copied.");
}

async function showLinks(chat, at, place) {
  let links;
  try {
    ({ links } = await chat.rest.get(`${at}/links`));
  } catch {
    return; // Not for whoever may not invite.
  }
  const revoke = (link) => attempt(() => chat.change("DELETE", `${at}/links/${link.code}`))
    .then(() => showLinks(chat, at, place));
  const title = links.length > 0 && h("h3.section-title", {}, "Invite links");
  fill(place, title, h("ul.people", {}, links.map((link) => h("li.person", {},
    h("span.person-text", {}, h("span.link-address", {}, address(link)),
      h("span.person-note", {}, `until ${brief(link.expires_at_ms, Date.now())} · used ${link.used} times`)),
    h("span.person-actions", {}, button("Revoke", () => revoke(link)))))));
}

function address(link) {
  return `${location.origin}/i/${link.code}`;
}
