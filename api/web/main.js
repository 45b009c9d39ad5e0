// Where the page begins: somebody is logged in here, or nobody is.
// Owns going from one to the other. Everything else is made for the one who is.

import { agreed } from "./agreed.js";
import { attempt, places, tell } from "./announce.js";
import { Chat } from "./chat.js";
import { fill, h } from "./dom.js";
import { finished, returned } from "./elsewhere.js";
import { loginView } from "./login.js";
import { confirmation, mailed, newPassword } from "./mailed.js";
import { Rest, plain } from "./rest.js";
import { secondStep } from "./second.js";
import { shell } from "./shell.js";
import { install, LoggedOut, Tokens } from "./tokens.js";
import { sentence } from "./ways.js";

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

/** As whoever is logged in here, or as nobody; `why` is said either way. */
function open(why = "") {
  const { held } = tokens;
  if (!held) return nobody(why);
  somebody(held.person);
  if (why) tell(why);
  return null;
}

function entered(grant, stay) {
  tokens.begin(grant, stay);
  somebody(grant.person);
}

/** One is back from another service. */
async function arrive({ code, verifier, error, stay, link }) {
  if (error) return open("The other service did not let you in.");
  try {
    if (link) {
      await rest.ask("POST", "/v1/me/oauth/complete", { code, verifier });
      return open("Linked.");
    }
    const grant = await finished({ code, verifier, stay });
    if (!grant.mfa_required) return entered(grant, stay);
    const form = h("form.login-form");
    fill(root, h("main.login", {}, form));
    return secondStep(form, { token: grant.mfa_token, install: install(stay) }, (whole) => entered(whole, stay), nobody);
  } catch (failed) {
    return open(sentence(failed.message));
  }
}

const [mail, back] = [mailed(), returned()];
if (mail?.kind === "reset") {
  newPassword(root, mail.word, (why) => {
    tokens.end();
    nobody(why);
  });
} else if (mail) confirmation(root, mail.word, open);
else if (back) arrive(back);
else open();
