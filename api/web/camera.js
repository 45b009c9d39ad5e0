// What part of the Earth a map shows: its middle, how near, and the size of its frame.
// Owns how that moves. Pure: every change gives another camera.

import { TILE_PX, project, unproject } from "./mercator.js";

export const NEAREST = 19;
const FARTHEST = 1;

/**
 * @typedef {{lat: number, lon: number, zoom: number, width: number, height: number}} Camera
 */

/** Farther than that the Earth would be seen twice. */
export function farthest({ width }) {
  return Math.max(FARTHEST, Math.log2(width / TILE_PX));
}

/** Where a place is in the frame, by the copy of the Earth that is nearest to its middle. */
export function toScreen(camera, point) {
  const middle = project(camera, camera.zoom);
  const place = project(point, camera.zoom);
  const side = TILE_PX * 2 ** camera.zoom;
  const across = ((((place.x - middle.x + side / 2) % side) + side) % side) - side / 2;
  return { x: camera.width / 2 + across, y: camera.height / 2 + place.y - middle.y };
}

/** The place at a pixel of the frame. */
export function toPoint(camera, { x, y }) {
  const middle = project(camera, camera.zoom);
  return unproject({ x: middle.x + x - camera.width / 2, y: middle.y + y - camera.height / 2 }, camera.zoom);
}

/** What was at `from` is then at `to`. */
export function dragged(camera, from, to) {
  const middle = project(camera, camera.zoom);
  return kept({ ...camera, ...unproject({ x: middle.x + from.x - to.x, y: middle.y + from.y - to.y }, camera.zoom) });
}

/** Nearer or farther by so many zooms; what is at `anchor` stays there. */
export function zoomed(camera, by, anchor = { x: camera.width / 2, y: camera.height / 2 }) {
  const held = toPoint(camera, anchor);
  const next = { ...camera, zoom: Math.max(farthest(camera), Math.min(NEAREST, camera.zoom + by)) };
  return dragged(next, toScreen(next, held), anchor);
}

/** As near as all of these places fit, with so many pixels around. */
export function fitted(camera, points, around = 56, nearest = 15) {
  if (!points.length) return camera;
  const first = points[0];
  const ends = points.map((point) => ({ ...point, lon: first.lon + nearby(point.lon - first.lon) })).map((one) => project(one, 0));
  const [left, right] = [Math.min(...ends.map((one) => one.x)), Math.max(...ends.map((one) => one.x))];
  const [top, bottom] = [Math.min(...ends.map((one) => one.y)), Math.max(...ends.map((one) => one.y))];
  const room = (whole) => Math.max(whole - 2 * around, whole / 4, 1);
  const zoom = Math.log2(Math.min(room(camera.width) / (right - left), room(camera.height) / (bottom - top)));
  const middle = unproject({ x: (left + right) / 2, y: (top + bottom) / 2 }, 0);
  return kept({ ...camera, ...middle, zoom: Math.max(farthest(camera), Math.min(nearest, zoom)) });
}

/** South, west, north and east of what is seen; `wide`: the whole way round. */
export function bounds(camera) {
  const [first, last] = [toPoint(camera, { x: 0, y: camera.height }), toPoint(camera, { x: camera.width, y: 0 })];
  const wide = camera.width >= TILE_PX * 2 ** camera.zoom - 1;
  const west = wide ? -180 : first.lon;
  const east = wide ? 180 : last.lon < west ? last.lon + 360 : last.lon;
  return { south: first.lat, west, north: last.lat, east, wide };
}

/** Nobody scrolls past the poles. */
function kept(camera) {
  const side = TILE_PX * 2 ** camera.zoom;
  const half = Math.min(camera.height / 2, side / 2);
  const { x, y } = project(camera, camera.zoom);
  return { ...camera, ...unproject({ x, y: Math.max(half, Math.min(side - half, y)) }, camera.zoom) };
}

function nearby(degrees) {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}
