// The wire: frames as arrays, by the tables of docs/protocol.md.
// Owns the numbers and the order of fields. Must never know what a frame leads to.

export const SUBPROTOCOL = "muster.v1.json";

/** Frames of ours, without their id: `[kind, ...fields]`. */
export const auth = (token) => [1, token, "muster-page", "1", "web"];
export const resume = (generation, positions) => [2, generation, positions];
export const attend = (rooms) => [3, rooms];
export const attention = (state) => [4, state];
export const post = (room, clientId, text, mentions, replyTo, attachments = null) =>
  [5, room, clientId, text, mentions, false, replyTo, ...(attachments ? [attachments] : [])];
export const edit = (room, clientId, target, text, mentions) => [6, room, clientId, target, text, mentions];
export const remove = (room, clientId, target) => [7, room, clientId, target];
export const react = (room, clientId, target, emoji) => [8, room, clientId, target, emoji];
export const unreact = (room, clientId, target, emoji) => [9, room, clientId, target, emoji];
export const typing = (room) => [10, room];
export const received = (positions) => [11, positions];
export const read = (positions) => [12, positions];
export const refresh = (token) => [13, token];
export const ping = () => [14];
export const watch = (contacts, people, rooms) => [17, contacts, people, rooms];
/** Where this browser was: `[lat, lon, accuracy in m, at in ms, speed in m/s or null, mock]` each, the oldest first. */
export const fixes = (taken) => [18, taken];

/** A frame as text; id 0 asks for no answer. */
export function encode(frame, id) {
  return JSON.stringify([frame[0], id, ...frame.slice(1)]);
}

const SERVER = {
  64: ["ready", "person", "session", "device", "selfRoom", "generation", "serverTime", "heartbeat", "tokenExpires",
    "minVersion", "limits", "spread"],
  65: ["ack", "room", "seq", "msgNo", "at", "fresh"],
  66: ["error", "code", "message", "temporary", "retryAfter"],
  67: ["ok"],
  68: ["states", "generation", "rooms"],
  69: ["entry", "room", "seq", "msgNo", "kind", "author", "subject", "clientId", "at", "body"],
  70: ["skip", "room", "from", "to"],
  71: ["gap", "room", "from", "to"],
  72: ["head", "room", "head", "msgNo", "preview"],
  73: ["count", "room", "members"],
  74: ["typing", "room", "person"],
  75: ["pointer", "room", "person", "read", "received"],
  76: ["goaway", "code", "reason", "retryAfter", "resumable"],
  77: ["pong", "serverTime"],
  78: ["presences", "people", "whole", "known"],
  79: ["roomPresence", "room", "form", "online", "people"],
  80: ["placed", "verdicts", "events"],
};
const PERSON = ["person", "state", "busyUntil", "text", "emoji", "textUntil", "room"];
const PLACE = ["room", "phase"];
const STATE = ["room", "status", "from", "head", "msgNo"];

/** A frame of the server's as an object with its name in `type`; null for one of a later version. */
export function decode(text) {
  const [number, id, ...fields] = JSON.parse(text);
  const names = SERVER[number];
  if (!names) return null;
  const frame = named(names.slice(1), fields);
  // An entry has a kind of its own, so the frame's name is its `type`.
  frame.type = names[0];
  frame.id = id;
  if (frame.type === "states") frame.rooms = frame.rooms.map((state) => named(STATE, state));
  if (frame.people) frame.people = frame.people.map((one) => named(PERSON, one));
  if (frame.type === "placed") frame.events = frame.events.map((one) => named(PLACE, one));
  return frame;
}

/** Fields by name. What a later version put at the end is passed over. */
function named(names, fields) {
  return Object.fromEntries(names.map((name, place) => [name, fields[place] ?? null]));
}
