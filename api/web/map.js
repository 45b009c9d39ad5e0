// A map: a plain ground with its lines and scale, or tiles where the operator set some; fences, marks, and where I am about.
// Owns what is drawn where, and the camera. Must never ask where anybody is.

import { fitted, toPoint, toScreen, zoomed } from "./camera.js";
import { fill, h } from "./dom.js";
import { circle, ringsOf } from "./fence.js";
import { gestures } from "./gestures.js";
import { distance, graticule, rings, scaleBar } from "./graticule.js";
import { gathered } from "./marks.js";
import { iconButton } from "./parts.js";
import { s } from "./svg.js";
import { tileLayer, tileSource } from "./tiles.js";

const WORLD = { lat: 28, lon: 12, zoom: 1.4 };
const NEAR_ZOOM = 13;
const YOU_PX = { wide: 66, high: 20 };
const PLAIN = "Arrow keys move the map, plus and minus zoom it, zero shows everything.";

/**
 * @param {string} label what it is called
 * @param {{open?: (id: string) => void, pick?: (point: {lat: number, lon: number}) => void}} does `pick`: a place was chosen
 */
export function mapView(label, does = {}) {
  const { template, credit } = tileSource();
  const tiles = template ? tileLayer(template) : null;
  const drawing = s("svg.map-drawing", { "aria-hidden": "true" });
  const marks = h("div.map-marks");
  const frame = h("div.map-frame", {
    tabindex: "0", role: "group", "aria-roledescription": "map",
    "aria-label": `${label}. ${PLAIN}${does.pick ? " Enter chooses the place in the middle." : ""}`,
  }, tiles?.element, drawing, marks);
  const tools = h("div.map-tools", {}, iconButton("plus", "Zoom in", () => move(zoomed(camera, 1))),
    iconButton("minus", "Zoom out", () => move(zoomed(camera, -1))), iconButton("frame", "Show everything", fit));
  const element = h(`div.map${tiles ? ".tiled" : ""}${does.pick ? ".picking" : ""}`, {}, frame, tools,
    template && credit && h("p.map-credit", {}, credit));
  const kept = new Map();
  let camera = { ...WORLD, width: 0, height: 0 };
  let shown = { marks: [], fences: [], me: null };
  let touched = false;
  let waiting = null;

  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = frame;
    if (!width || (width === camera.width && height === camera.height)) return;
    camera = zoomed({ ...camera, width, height }, 0);
    if (touched) draw();
    else fit();
  }).observe(frame);
  gestures(frame, { camera: () => camera, move, fit, click: (at) => does.pick?.(toPoint(camera, at)) });

  function move(next) {
    touched = true;
    camera = next;
    waiting ??= requestAnimationFrame(draw);
  }

  function fit() {
    const places = [...shown.fences.flatMap((fence) => ringsOf(fence)[0] ?? []), ...shown.marks.map((mark) => mark.point),
      ...(shown.me ? shown.me.corners : [])];
    camera = places.length ? fitted(camera, places, 64, 17) : zoomed({ ...camera, ...WORLD }, 0);
    touched = false;
    waiting ??= requestAnimationFrame(draw);
  }

  function draw() {
    waiting = null;
    if (!camera.width) return;
    tiles?.show(camera);
    drawing.setAttribute("viewBox", `0 0 ${camera.width} ${camera.height}`);
    drawing.replaceChildren(...(tiles ? [] : ground(camera)), ...shown.fences.map((fence) => fenceShape(camera, fence)),
      ...(shown.me ? mine(camera, shown.me, !tiles) : []), scale(camera));
    if (does.pick) drawing.append(cross(camera));
    place();
  }

  /** Marks are elements that stay: so the focus stays on them while the map moves. */
  function place() {
    const placed = shown.marks.map((mark) => ({ mark, ...toScreen(camera, mark.point) }));
    const groups = gathered(placed, camera.width, shown.me ? [youBox(camera, shown.me)] : []);
    for (const group of groups) {
      const print = JSON.stringify([group.marks.map((one) => [one.id, one.title, one.note, one.kind])]);
      let held = kept.get(group.id);
      if (held?.print !== print) {
        const element = markElement(group, does.open, () => move(fitted(camera, group.marks.map((one) => one.point), 80, 17)));
        const focused = held?.element === document.activeElement;
        held?.element.replaceWith(element);
        if (focused) element.focus({ preventScroll: true });
        if (!held) marks.append(element);
        held = { element, print };
        kept.set(group.id, held);
      }
      held.element.classList.toggle("named", group.named);
      held.element.classList.toggle("before", group.before);
      held.element.style.transform = `translate(${Math.round(group.x)}px, ${Math.round(group.y)}px)`;
    }
    const names = new Set(groups.map((group) => group.id));
    for (const [id, { element }] of kept) {
      if (names.has(id)) continue;
      element.remove();
      kept.delete(id);
    }
  }

  return {
    element, fit,
    /** @param {{marks?: object[], fences?: object[], me?: object|null}} what to show; the camera follows until it is moved. */
    show: (what) => {
      shown = { ...shown, ...what };
      if (touched) waiting ??= requestAnimationFrame(draw);
      else fit();
    },
    /** Look at a place, without anything being there. */
    look: (point, zoom = NEAR_ZOOM) => move({ ...camera, ...point, zoom }),
    middle: () => ({ lat: camera.lat, lon: camera.lon }),
  };
}

function ground(camera) {
  const { lats, lons } = graticule(camera);
  const across = lats.map(({ at, name }) => ({ name, y: toScreen(camera, { lat: at, lon: camera.lon }).y }));
  const along = lons.map(({ at, name }) => ({ name, x: toScreen(camera, { lat: camera.lat, lon: at }).x }));
  const line = (one, set) => s(`line.map-line${one.name ? ".named" : ""}`, set);
  return [
    ...across.map((one) => line(one, { x1: 0, x2: camera.width, y1: one.y, y2: one.y })),
    ...along.map((one) => line(one, { y1: 0, y2: camera.height, x1: one.x, x2: one.x })),
    ...across.filter((one) => one.name && one.y > 40 && one.y < camera.height - 44)
      .map((one) => s("text.map-degree", { x: 8, y: one.y - 5 }, one.name)),
    ...along.filter((one) => one.name && one.x > 60 && one.x < camera.width - 110)
      .map((one) => s("text.map-degree", { x: one.x + 5, y: 16 }, one.name)),
  ];
}

function path(camera, ring) {
  return `${ring.map((point, place) => {
    const { x, y } = toScreen(camera, point);
    return `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join("")}Z`;
}

function fenceShape(camera, fence) {
  return s("path.map-fence", { d: ringsOf(fence).map((ring) => path(camera, ring)).join(""), "fill-rule": "evenodd" });
}

/** The cell I am in, and distances around it where nothing else tells how far things are. */
function mine(camera, { middle, corners }, far) {
  const at = toScreen(camera, middle);
  const below = youBox(camera, { middle, corners }).top;
  const around = far ? rings(camera) : [];
  return [
    ...around.map((metres) => s("path.map-ring", { d: path(camera, circle(middle, metres)) })),
    ...around.map((metres) => {
      const { x, y } = toScreen(camera, circle(middle, metres)[0]);
      return s("text.map-degree.ring", { x, y: y - 4, "text-anchor": "middle" }, distance(metres));
    }),
    s("path.map-cell", { d: path(camera, corners) }), s("circle.map-me", { cx: at.x, cy: at.y, r: 5 }),
    s("text.map-you", { x: at.x, y: below + 14, "text-anchor": "middle" }, "You, about"),
  ];
}

/** Where it says that this is me: below the cell. */
function youBox(camera, { middle, corners }) {
  const { x, y } = toScreen(camera, middle);
  const top = Math.max(y + 6, ...corners.map((one) => toScreen(camera, one).y));
  return { left: x - YOU_PX.wide / 2, right: x + YOU_PX.wide / 2, top, bottom: top + YOU_PX.high };
}

function scale(camera) {
  const { px, name } = scaleBar(camera);
  const [left, base] = [12, camera.height - 14];
  return s("g.map-scale", {}, s("path", { d: `M${left} ${base - 6}V${base}H${left + px}V${base - 6}` }),
    s("text", { x: left + px / 2, y: base - 6, "text-anchor": "middle" }, name));
}

function cross({ width, height }) {
  const [x, y] = [width / 2, height / 2];
  return s("path.map-cross", { d: `M${x - 9} ${y}H${x + 9}M${x} ${y - 9}V${y + 9}` });
}

function markElement({ marks }, open, nearer) {
  const [first] = marks;
  const many = marks.length > 1;
  const dot = h("span.mark-dot", { "aria-hidden": "true" }, many ? String(marks.length) : "");
  const name = first.title && h("span.mark-name", { dir: "auto" }, many ? `${first.title} and ${marks.length - 1} more` : first.title);
  const of = `mark${many ? ".many" : ""}${first.kind ? `.${first.kind}` : ""}`;
  if (!open) return h(`span.${of}`, {}, dot, name);
  const label = many ? `${marks.length} events: ${marks.map((one) => one.title).join(", ")}. Zoom in` : [first.title, first.note].filter(Boolean).join(", ");
  const element = h(`button.${of}`, { type: "button", "aria-label": label, onclick: () => (many ? nearer() : open(first.id)) });
  return fill(element, dot, name);
}
