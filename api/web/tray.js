// Pictures chosen and not yet sent: uploaded at once, shown above the text, each removable.
// Owns them per room while the page lives. Must never send a message: it says which media are ready.

import { h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { MOST, TYPES } from "./media.js";
import { newId } from "./tokens.js";

/**
 * @param {(file: File, key: string, told: (share: number) => void, signal: AbortSignal) => Promise<string>} upload
 * @param {{changed: () => void, removed: () => void}} tells `removed`: by hand, so the focus needs a place
 */
export function tray(upload, tells) {
  const rooms = new Map();
  let items = [];
  const list = h("ul.tray-items", { "aria-label": "Pictures to send" });
  const put = keyed(list, (item) => item.key, (item) => `${item.media} ${item.failed?.message}`, tile);
  const said = h("p.left", { role: "status" });
  const element = h("div.tray", { hidden: true }, list, said);
  const input = h("input", { type: "file", accept: TYPES.join(","), multiple: true, hidden: true, onchange: () => {
    add([...input.files]);
    input.value = "";
  } });
  element.append(input);

  /** @param {File[]} files */
  function add(files) {
    const taken = files.slice(0, MOST - items.length);
    for (const file of taken) {
      const item = { file, key: newId(), preview: URL.createObjectURL(file), ends: new AbortController() };
      items.push(item);
      begin(item);
    }
    show();
    if (taken.length < files.length) said.textContent = `A message has ${MOST} pictures at most.`;
  }

  async function begin(item) {
    Object.assign(item, { media: null, failed: null, share: h("progress", { max: "1", value: "0", "aria-label": `Uploading ${item.file.name}` }) });
    try {
      item.media = await upload(item.file, item.key, (share) => (item.share.value = share), item.ends.signal);
    } catch (error) {
      item.failed = error;
    }
    if (items.includes(item)) show();
  }

  function show() {
    put(items);
    element.hidden = !items.length;
    const wrong = items.filter((item) => item.failed).length;
    const left = items.filter((item) => !item.media && !item.failed).length;
    said.textContent = wrong ? "Remove what could not be attached before you send." : left ? `Uploading ${left}…` : "";
    said.classList.toggle("wrong", wrong > 0);
    tells.changed();
  }

  function tile(item) {
    const { file, preview, failed, media, share } = item;
    return h(`li.tile${failed ? ".wrong" : ""}`, {},
      failed ? h("span.tile-sign", {}, icon("failed")) : h("img.tile-picture", { src: preview, alt: file.name }),
      failed && h("span.tile-words", { role: "alert" }, h("b", { dir: "auto" }, file.name), failed.message,
        failed.temporary && h("button.button.link", { type: "button", onclick: () => again(item) }, "Try again")),
      !failed && !media && share,
      h("button.tile-close", { type: "button", "aria-label": `Remove ${file.name}`, title: "Remove", "data-focus": "remove", onclick: () => remove(item) },
        icon("close")));
  }

  function again(item) {
    begin(item);
    show();
  }

  function remove(item) {
    items.splice(items.indexOf(item), 1);
    end(item);
    show();
    tells.removed();
  }

  function end({ preview, ends }) {
    ends.abort();
    URL.revokeObjectURL(preview);
  }

  return {
    element, add, choose: () => input.click(),
    /** What is chosen in another room waits there. */
    move: (room) => {
      if (!rooms.has(room)) rooms.set(room, []);
      items = rooms.get(room);
      show();
    },
    /** Nothing is on its way or refused. */
    get settled() { return items.every((item) => item.media); },
    get any() { return items.length > 0; },
    /** The media that are ready, which now belong to a message. */
    take: () => {
      const taken = items.splice(0);
      taken.forEach(end);
      show();
      return taken.length ? taken.map((item) => item.media) : null;
    },
  };
}
