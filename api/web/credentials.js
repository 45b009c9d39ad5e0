// What I log in with: a new password, and a second factor set up, renewed and taken away.
// Owns the dialog. Must never keep a password, a code or a secret.

import { attempt, tell } from "./announce.js";
import { dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { button, field } from "./parts.js";
import { s } from "./svg.js";

const FACTOR = "/v1/me/second-factor";
const QUIET = 4; // light modules around a QR code, without which cameras miss it

export function credentials(chat) {
  dialog("Password and second factor", (body) => {
    const password = h("section", {});
    const factor = h("section", {});
    body.append(password, factor);
    const show = () => attempt(async () => {
      const mine = await chat.rest.get(FACTOR);
      fill(password, ...passwordPart(chat, mine.on));
      fill(factor, h("h3.section-title", {}, "Second factor"), ...(mine.on ? onPart(chat, mine, factor, show) : offPart(chat, factor, show)));
    });
    show();
  });
}

function secret(label, autocomplete = "current-password") {
  return field(label, { type: "password", autocomplete, required: true, maxlength: 128 });
}

function codeField(hint = "Of your authenticator app, or a recovery code.") {
  return field("Code", { autocomplete: "one-time-code", required: true, maxlength: 40, autocapitalize: "none", spellcheck: "false" }, hint);
}

/** Send a form's fields; what is refused is said, and the fields are emptied either way. */
async function sent(event, fields, send) {
  event.preventDefault();
  const empty = fields.find((one) => !one.input.value);
  if (empty) return empty.fail("Fill this in.");
  try {
    await send(fields.map((one) => one.input.value.trim()));
  } catch (error) {
    tell(error.message);
  } finally {
    for (const one of fields) one.input.value = "";
  }
  return null;
}

function passwordPart(chat, on) {
  const [old, wanted, code] = [secret("Current password"), secret("New password", "new-password"), codeField()];
  const fields = on ? [old, wanted, code] : [old, wanted];
  const send = ([was, now, typed]) => chat.rest.ask("PUT", "/v1/me/password", { password: was, new_password: now, code: typed ?? "" })
    .then(() => tell("Changed. Your other devices are logged out."));
  return [h("form", { onsubmit: (event) => sent(event, fields, send) }, fields.map((one) => one.element),
    h("div.dialog-actions", {}, button("Change password", null, "plain")))];
}

function offPart(chat, place, over) {
  const password = secret("Password");
  const send = async ([typed]) => fill(place, ...beginPart(chat, await chat.rest.ask("POST", FACTOR, { password: typed }), place, over));
  return [h("p.hint", {}, "A code of an app on your phone, asked for whenever you log in."),
    h("form", { onsubmit: (event) => sent(event, [password], send) }, password.element,
      h("div.dialog-actions", {}, button("Set up", null, "plain")))];
}

function beginPart(chat, begun, place, over) {
  const code = codeField("As the app shows it now.");
  const send = async ([typed]) => {
    const { recovery_codes: codes } = await chat.rest.ask("POST", `${FACTOR}/confirm`, { code: typed });
    fill(place, ...codesPart(codes, over));
  };
  return [h("h3.section-title", {}, "Scan this with an authenticator app"), drawn(begun.qr),
    h("p.hint", {}, "Or type: ", h("span.secret", {}, begun.secret.match(/.{1,4}/g).join(" "))),
    h("form", { onsubmit: (event) => sent(event, [code], send) }, code.element,
      h("div.dialog-actions", {}, button("Turn on", null, "primary")))];
}

function onPart(chat, mine, place, over) {
  const [password, code] = [secret("Password"), codeField()];
  let remove = false;
  const send = async ([typed, shown]) => {
    const proof = { password: typed, code: shown };
    if (remove) await chat.rest.ask("POST", `${FACTOR}/remove`, proof).then(over);
    else fill(place, ...codesPart((await chat.rest.ask("POST", `${FACTOR}/recovery-codes`, proof)).recovery_codes, over));
  };
  const submit = (label, kind, removing) => h(`button.button.${kind}`, { type: "submit", onclick: () => { remove = removing; } }, label);
  return [h("p.hint", {}, `On. ${mine.recovery_codes} recovery codes are left.`),
    h("form", { onsubmit: (event) => sent(event, [password, code], send) }, password.element, code.element,
      h("div.dialog-actions", {}, submit("New recovery codes", "plain", false), submit("Turn off", "danger", true)))];
}

function codesPart(codes, over) {
  return [h("h3.section-title", {}, "Your recovery codes"),
    h("p.hint", {}, "Each lets you in once without the app. Keep them on paper: they are not shown again."),
    h("div.codes", {}, codes.map((code) => h("code", {}, code))),
    h("div.dialog-actions", {}, button("I have them", over, "primary"))];
}

/** A QR code: rows of 0 and 1. */
function drawn(rows) {
  const size = rows.length + 2 * QUIET;
  const dark = rows.flatMap((row, y) => [...row].map((bit, x) => (bit === "1" ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : "")));
  return s("svg.qr", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "QR code of the secret", "shape-rendering": "crispEdges" },
    s("path", { d: dark.join(""), fill: "#000" }));
}
