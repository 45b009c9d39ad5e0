// What others see of me: a status, do not disturb, invisible.
// Owns the form. What is in it is as the server has it; it is nothing's truth.

import { attempt } from "./announce.js";
import { h } from "./dom.js";
import { button, field } from "./parts.js";

const HOUR_MS = 3_600_000;
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;
const KEPT = "kept";
const SPANS = { "for 1 hour": HOUR_MS, "for 4 hours": 4 * HOUR_MS, "for a day": 24 * HOUR_MS, "until I end it": FOR_EVER_MS };

/** @param {import("./chat.js").Chat} chat @param {number} now in milliseconds */
export function statusForm(chat, now = Date.now()) {
  const emoji = field("Emoji", { maxlength: 32, autocomplete: "off" });
  const text = field("Status", { maxlength: 100, autocomplete: "off" }, "Whoever may see that you are there sees it.");
  const until = choice("Show it", []);
  const busy = choice("Do not disturb", ["off"]);
  const hidden = h("input", { type: "checkbox", id: "invisible" });
  const save = h("fieldset.plain", { disabled: true }, h("legend", {}, "What others see"),
    h("div.side-by-side", {}, emoji.element, text.element), until.element, busy.element,
    h("label.check", { for: "invisible" }, hidden, "Invisible: others see me as offline"),
    h("div.dialog-actions", {}, button("Save status", null, "plain")));

  function show(status) {
    const shown = status.text_until_ms > now;
    emoji.input.value = shown ? status.emoji : "";
    text.input.value = shown ? status.text : "";
    until.offer(shown ? status.text_until_ms : 0, now);
    busy.offer(status.busy_until_ms, now);
    hidden.checked = status.invisible;
    save.disabled = false;
  }

  async function submit(event) {
    event.preventDefault();
    const said = Boolean(text.input.value.trim() || emoji.input.value.trim());
    const change = {
      text: text.input.value.trim(), emoji: emoji.input.value.trim(), invisible: hidden.checked,
      ...(said ? until.until("text_until_ms") : { text_until_ms: 0 }), ...busy.until("busy_until_ms"),
    };
    const status = await attempt(() => chat.change("PATCH", "/v1/me/presence", change), "Saved.");
    if (status) show(status);
  }

  attempt(async () => show(await chat.rest.get("/v1/me/presence")));
  return h("form", { onsubmit: submit }, save);
}

/** A labelled choice of how long; what holds now is offered as it is. */
function choice(label, first) {
  const id = `until-${label.replaceAll(" ", "-").toLowerCase()}`;
  const select = h("select.input", { id });
  const options = (names) => select.replaceChildren(...names.map(([value, name]) => h("option", { value }, name)));
  return {
    element: h("div.field", {}, h("label", { for: id }, label), select),
    offer: (untilMs, now) => {
      const holds = untilMs > now;
      options([...first.map((name) => ["off", name]), ...(holds ? [[KEPT, `as it is, ${when(untilMs)}`]] : []),
        ...Object.keys(SPANS).map((name) => [name, name])]);
      if (holds) select.value = KEPT;
    },
    /** What is to be changed by it, under this name; nothing where it stays. */
    until: (name) => {
      if (select.value === KEPT) return {};
      const span = SPANS[select.value] ?? 0;
      return { [name]: span === FOR_EVER_MS || !span ? span : Date.now() + span };
    },
  };
}

function when(untilMs) {
  if (untilMs >= FOR_EVER_MS) return "until I end it";
  return `until ${new Date(untilMs).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" })}`;
}
