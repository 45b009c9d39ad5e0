// People: who asks, who are my contacts, whom I block, and finding more.
// Owns the dialog. It shows what the chat holds of contacts and is made anew when that changes.

import { attempt } from "./announce.js";
import { dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { finder, stateOf } from "./finder.js";
import { button, personRow } from "./parts.js";

/** @param {(room: string) => void} open */
export function contactsDialog(chat, open, watch) {
  dialog("People", (body, close) => {
    const sections = h("div");
    const talk = async (id) => {
      const room = await attempt(() => chat.change("POST", "/v1/rooms", { kind: "direct", peer: id }));
      if (!room) return;
      close();
      open(room.id);
    };
    const ask = (method, id, done) => attempt(() => chat.change(method, `/v1/me/contacts/${id}`), done);
    const search = finder(chat, "Find people", (one) => [
      !stateOf(chat, one) && button("Ask", async () => {
        if (await ask("PUT", one.id, "Asked.")) search.look();
      }),
      button("Message", () => talk(one.id), "primary"),
    ]);
    let blocked = [];
    const loadBlocked = async () => {
      const page = await attempt(() => chat.rest.get("/v1/me/blocks", { limit: 200 }));
      blocked = page?.people ?? [];
      render();
    };
    const unblock = (one) => attempt(() => chat.change("DELETE", `/v1/me/blocks/${one.id}`)).then(loadBlocked);
    let printed = "";
    const render = () => {
      const all = [...chat.contacts.values()].map((one) => ({ ...one, ...chat.people.get(one.person) }))
        .sort((a, b) => a.name.localeCompare(b.name));
      const print = JSON.stringify([all.map((one) => [one.id, one.name, one.state]), blocked]);
      if (print === printed) return;
      printed = print;
      const of = (state) => all.filter((one) => one.state === state);
      fill(sections,
        section("They ask you", of("incoming").map((one) => personRow(one, "", button("Decline", () => ask("DELETE", one.id)),
          button("Accept", () => ask("PUT", one.id), "primary")))),
        section("Contacts", of("accepted").map((one) => personRow(one, "", button("Remove", () => ask("DELETE", one.id)),
          button("Message", () => talk(one.id), "primary")))),
        section("You asked", of("requested").map((one) => personRow(one, "", button("Withdraw", () => ask("DELETE", one.id))))),
        section("Blocked", blocked.map((one) => personRow(one, "", button("Unblock", () => unblock(one))))));
    };
    body.append(search.element, sections);
    render();
    loadBlocked();
    return watch(render);
  });
}

function section(title, rows) {
  return rows.length ? h("section", {}, h("h3.section-title", {}, title), h("ul.people", {}, rows)) : null;
}
