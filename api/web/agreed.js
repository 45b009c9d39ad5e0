// The terms and the privacy policy: asked for where the server says that they are owed.
// Owns the dialog. Must never accept for somebody: a press of a button does.

import { attempt } from "./announce.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { button } from "./parts.js";

const NAMES = { terms: "the terms", privacy: "the privacy policy" };

/** Ask for what is owed. Where the server insists there is no going on without; gives whether there is. */
export async function agreed(rest) {
  const { owed, enforced } = await rest.get("/v1/me/agreements");
  if (!owed.length) return true;
  return new Promise((resolve) => {
    let done = !enforced;
    dialog("Before you go on", (body, close) => {
      const accept = async () => {
        const versions = Object.fromEntries(owed.map(({ document, version }) => [document, version]));
        if (!(await attempt(() => rest.ask("POST", "/v1/me/agreements", versions)))) return;
        done = true;
        close();
      };
      body.append(h("p", {}, "Please read and accept what is now in force:"),
        h("ul", {}, owed.map(({ document, version, url }) => h("li", {}, /^https?:/.test(url)
          ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, `${NAMES[document]} (${version})`)
          : `${NAMES[document]} (${version})`))),
        h("div.dialog-actions", {}, button(enforced ? "Log out" : "Later", close), button("I accept", accept, "primary")));
      return () => resolve(done);
    }, "small");
  });
}
