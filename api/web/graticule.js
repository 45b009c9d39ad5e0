// The lines of a plain map: where they lie, what they are called, and how long its scale is.
// Owns steps and words. Pure.

import { bounds } from "./camera.js";
import { metresPerPixel } from "./mercator.js";

const SECOND = 1 / 3600;
const STEPS = [90, 45, 30, 20, 10, 5, 2, 1, 30 / 60, 20 / 60, 10 / 60, 5 / 60, 2 / 60, 1 / 60, 30 * SECOND, 20 * SECOND,
  10 * SECOND, 5 * SECOND, 2 * SECOND, SECOND];
const APART_PX = 96;
const FINE = 4;
const SCALE_PX = 120;

/**
 * Lines that are named, and finer ones between them.
 * @returns {{lats: {at: number, name: string|null}[], lons: {at: number, name: string|null}[]}}
 */
export function graticule(camera) {
  const { south, west, north, east } = bounds(camera);
  const step = stepOf(camera);
  return { lats: lines(south, north, step, "N", "S", 85), lons: lines(west, east, step, "E", "W", Infinity) };
}

/** The smallest step whose meridians are far enough apart. */
function stepOf(camera) {
  const { west, east } = bounds(camera);
  const most = camera.width / APART_PX;
  return STEPS.findLast((step) => (east - west) / step <= most) ?? STEPS[0];
}

function lines(from, to, step, plus, minus, most) {
  const found = [];
  for (let at = Math.ceil((from * FINE) / step); at <= Math.floor((to * FINE) / step); at += 1) {
    const degrees = (at * step) / FINE;
    if (Math.abs(degrees) <= most) found.push({ at: degrees, name: at % FINE ? null : named(degrees, step, plus, minus) });
  }
  return found;
}

/** 52°30′N */
function named(degrees, step, plus, minus) {
  const turned = degrees > 180 ? degrees - 360 : degrees;
  const seconds = Math.round(Math.abs(turned) * 3600);
  const [whole, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const side = seconds === 0 || seconds === 648_000 ? "" : turned > 0 ? plus : minus;
  const two = (number) => String(number).padStart(2, "0");
  const fine = step < 1 ? `${two(minutes)}′` : "";
  return `${whole}°${fine}${step < 1 / 60 ? `${two(rest)}″` : ""}${side}`;
}

/** The longest round distance that is not too long to draw, at the middle of the map: `{px, name}`. */
export function scaleBar(camera, most = SCALE_PX) {
  const each = metresPerPixel(camera.lat, camera.zoom);
  const metres = round(each * most);
  return { px: metres / each, name: distance(metres) };
}

/** Circles around somewhere, at round distances: in metres. */
export function rings(camera) {
  const each = metresPerPixel(camera.lat, camera.zoom);
  const first = round(each * (Math.min(camera.width, camera.height) / 4));
  return [first, 2 * first, 4 * first];
}

/** The largest of 1, 2 and 5, 10, 20 ... that is not above. */
function round(metres) {
  const ten = 10 ** Math.floor(Math.log10(metres));
  return [5, 2, 1].find((one) => one * ten <= metres) * ten;
}

/** 850 m, 1.2 km, 40 km */
export function distance(metres) {
  if (metres < 1000) return `${Math.round(metres)} m`;
  const km = metres / 1000;
  return `${km < 10 && km % 1 ? km.toFixed(1) : Math.round(km).toLocaleString()} km`;
}
