// Pictures of the Earth under a map, where the operator has said from where they come; otherwise none.
// Owns which are needed and where they stand. Must never ask any other place: the page's policy names this one alone.

import { h } from "./dom.js";
import { TILE_PX, project } from "./mercator.js";

const MOST = 80;
const DEEPEST = 19;

/** What the operator set: `{template, credit}`; template "" for none. */
export function tileSource() {
  const said = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
  return { template: said("map-tiles"), credit: said("map-credit") };
}

/** The tiles of a view: `{key, x, y, zoom, left, top, side}`, no more than a bound. */
export function needed(camera) {
  const zoom = Math.max(0, Math.min(DEEPEST, Math.round(camera.zoom)));
  const side = TILE_PX * 2 ** (camera.zoom - zoom);
  const middle = project(camera, camera.zoom);
  const [left, top] = [middle.x - camera.width / 2, middle.y - camera.height / 2];
  const round = 2 ** zoom;
  const found = [];
  for (let y = Math.max(0, Math.floor(top / side)); y <= Math.min(round - 1, Math.floor((top + camera.height) / side)); y += 1) {
    for (let x = Math.floor(left / side); x <= Math.floor((left + camera.width) / side); x += 1) {
      const copy = ((x % round) + round) % round;
      found.push({ key: `${zoom}/${x}/${y}`, x: copy, y, zoom, left: x * side - left, top: y * side - top, side });
    }
  }
  return found.slice(0, MOST);
}

/** The layer: an element, and `show(camera)`. */
export function tileLayer(template) {
  const element = h("div.map-tiles", { "aria-hidden": "true" });
  const kept = new Map();
  const address = ({ x, y, zoom }) => template.replace("{z}", zoom).replace("{x}", x).replace("{y}", y);
  const show = (camera) => {
    const wanted = new Map(needed(camera).map((tile) => [tile.key, tile]));
    for (const [key, image] of kept) {
      if (wanted.has(key)) continue;
      image.remove();
      kept.delete(key);
    }
    for (const [key, tile] of wanted) {
      if (!kept.has(key)) {
        const image = h("img.map-tile", { alt: "", src: address(tile), referrerpolicy: "no-referrer", draggable: "false" });
        // What does not come leaves the ground as it is.
        image.addEventListener("error", () => (image.hidden = true));
        kept.set(key, image);
        element.append(image);
      }
      const { style } = kept.get(key);
      style.transform = `translate(${tile.left}px, ${tile.top}px)`;
      style.width = style.height = `${tile.side + 0.5}px`;
    }
  };
  return { element, show };
}
