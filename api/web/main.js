// Where the page begins: somebody is logged in here, or nobody is.
// Owns going from one to the other. Everything else is made for the one who is.

import { agreed } from "./agreed.js";
import { attempt, places } from "./announce.js";
import { Chat } from "./chat.js";
import { loginView } from "./login.js";
import { Rest, plain } from "./rest.js";
import { shell } from "./shell.js";
import { LoggedOut, Tokens } from "./tokens.js";

const OVER = { 4500: "Please log in again.", 4503: "You were logged out.", 4504: "This account is banned.",
  4508: "Please log in again, and accept the terms." };

const root = document.querySelector("#app");
const rest = new Rest();
const tokens = new Tokens(renew);
rest.tokens = tokens;
document.body.append(...places);

async function renew(refreshToken) {
  try {
    return await plain("POST", "/v1/sessions/refresh", { refresh_token: refreshToken });
  } catch (error) {
    if (error.temporary) throw error;
    tokens.end();
    throw new LoggedOut();
  }
}

function nobody(why = "") {
  document.title = "Muster";
  tokens.onend = () => {};
  loginView(root, (grant, stay) => {
    tokens.begin(grant, stay);
    somebody(grant.person);
  }, why);
}

async function somebody(person) {
  let view = { changed: () => {} };
  const chat = new Chat(person, rest, () => view.changed());
  const over = (why) => {
    chat.stop();
    view.end?.();
    nobody(why);
  };
  tokens.onend = () => over("You are logged out.");
  chat.onstop = ({ code }) => {
    if (!OVER[code]) return;
    tokens.onend = () => {};
    tokens.end();
    over(OVER[code]);
  };
  const out = async () => {
    tokens.onend = () => {};
    await attempt(() => rest.ask("DELETE", "/v1/sessions/current"));
    tokens.end();
    over("");
  };
  view = shell(root, chat, out);
  const agrees = await begin(() => agreed(rest));
  if (agrees === false) await out();
  else if (agrees && (await begin(() => chat.start())) !== null) view.route();
}

/** What comes of it in the end: the server may be away when the page is opened. Null for who was logged out. */
async function begin(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LoggedOut) return null;
      if (!error.temporary) throw error;
      await new Promise((done) => setTimeout(done, 1000 + 2000 * Math.random()));
    }
  }
}

const held = tokens.held;
if (held) somebody(held.person);
else nobody();
