// What hangs on a message besides its words: pictures in boxes of their size, everything else by its name.
// Owns how attachments are shown, and a picture in full. What is known of them is the business of media.js.

import { attempt } from "./announce.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { TYPES } from "./media.js";

const SIDE_PX = 320;
const LEAST_PX = 96;
const CHARS = 160;

/** A message in a line: its text, or that something hangs on it. */
export function summary(body) {
  const count = body.attachments?.length ?? 0;
  return (body.text || (count ? (count === 1 ? "Attachment" : `${count} attachments`) : "")).slice(0, CHARS);
}

/** The attachments of a message, or null. @param {string[]|null|undefined} ids */
export function attachments(chat, ids) {
  if (!ids?.length) return null;
  const all = ids.map((id) => [id, chat.media.get(id)]);
  const pictures = all.filter(([, { info }]) => !info || TYPES.includes(info.type));
  const files = all.filter((one) => !pictures.includes(one));
  return h("div.attachments", {},
    pictures.length > 0 && h(`div.pictures${pictures.length > 1 ? ".many" : ""}`, {},
      pictures.map(([id, one]) => picture(chat, id, one, pictures.length === 1))),
    files.map(([id, { info }]) => h("button.file", { type: "button", onclick: () => attempt(() => save(chat, id, info)) },
      icon("clip"), h("span.file-name", { dir: "auto" }, info.name || "File"), h("span.file-size", {}, size(info.bytes)))));
}

function picture(chat, id, { info, urls, gone }, alone) {
  if (gone) return h("div.picture.gone", {}, icon("picture"), "Not to be seen any more");
  const label = named(info);
  const img = urls && h("img", { src: urls["512"], alt: label, draggable: "false" });
  const box = h("button.picture", { type: "button", "data-focus": id, "aria-haspopup": "dialog",
    "aria-label": urls ? null : label, onclick: () => view(chat, id, info) }, img);
  // Its size is known before the picture is there, so nothing moves when it comes.
  if (alone) fit(box, info?.width ?? SIDE_PX, info?.height ?? 240, SIDE_PX);
  return box;
}

/** The box of a picture: its proportions within a square, but never a sliver. */
function fit(box, width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const [wide, high] = [width, height].map((one) => Math.max(LEAST_PX, Math.round(one * scale)));
  box.style.width = `${wide}px`;
  box.style.aspectRatio = `${wide} / ${high}`;
}

function view(chat, id, info) {
  dialog(info?.name || "Picture", (body) => {
    const said = h("p.hint", { role: "status" }, "Loading…");
    const img = h("img.full", { alt: named(info), width: info?.width, height: info?.height, hidden: true });
    img.addEventListener("load", () => {
      img.hidden = false;
      said.remove();
    });
    img.addEventListener("error", () => (said.textContent = "The picture cannot be loaded just now."));
    chat.media.address(id, "full").then((url) => (img.src = url), (error) => (said.textContent = error.message));
    body.append(said, img);
  }, "picture-view");
}

async function save(chat, id, info) {
  h("a", { href: await chat.media.address(id, "full"), download: info.name ?? "", target: "_blank", rel: "noopener" }).click();
}

function named(info) {
  const name = (info?.name ?? "").replace(/\.[a-z0-9]{1,5}$/i, "").trim();
  return name ? `Picture: ${name}` : "Picture";
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
