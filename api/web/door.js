// The code at the door, for hosts: as large as the screen allows, and new before the old one ends.
// Owns that dialog. Must never take the drawing into the page: it is shown as a picture.

import { tell } from "./announce.js";
import { dialog } from "./dialog.js";
import { h, say } from "./dom.js";
import { button } from "./parts.js";

const AGAIN_MS = 5_000;

export function doorDialog(agenda, event) {
  dialog("Check in here", (body) => {
    const picture = h("img.door-code", { alt: "QR code for checking in. It changes every half minute.", width: "360", height: "360" });
    const said = h("p.hint", { role: "status" }, "Loading …");
    const text = h("code.door-text");
    let timer = null;
    let address = null;
    let over = false;

    async function load() {
      let wait = AGAIN_MS;
      try {
        const code = await agenda.code(event.id);
        if (over) return;
        if (address) URL.revokeObjectURL(address);
        address = URL.createObjectURL(new Blob([code.svg], { type: "image/svg+xml" }));
        picture.src = address;
        text.textContent = code.code;
        say(said, "Scan it with the app. It is good for two minutes, and a new one comes by itself.");
        wait = Math.max(1000, code.next_ms - Date.now() + 200);
      } catch (error) {
        say(said, error.message);
      }
      if (!over) timer = setTimeout(load, wait);
    }

    const copy = async () => {
      await navigator.clipboard.writeText(text.textContent);
      tell("The code is copied.");
    };
    body.append(h("div.door", {}, picture, h("p.door-title", { dir: "auto" }, event.title), said, text,
      h("div.dialog-actions", {}, button("Copy the code", copy))));
    load();
    return () => {
      over = true;
      clearTimeout(timer);
      if (address) URL.revokeObjectURL(address);
    };
  }, "card");
}
