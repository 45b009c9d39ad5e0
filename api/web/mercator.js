// The Earth on a square, as tiles of maps on the web have it (Web Mercator).
// Owns the arithmetic between degrees and pixels at a zoom. Pure.

export const TILE_PX = 256;
const ROUND_M = 40_075_016.686;
const TOP = 85.05112878; // degrees at which the square ends

/** Where a place is on the square, in pixels: 256 wide at zoom 0, twice that at each next one. */
export function project({ lat, lon }, zoom) {
  const side = TILE_PX * 2 ** zoom;
  const sine = Math.sin((Math.max(-TOP, Math.min(TOP, lat)) * Math.PI) / 180);
  return { x: (lon / 360 + 0.5) * side, y: (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * side };
}

/** The place at a pixel of the square; longitudes go round. */
export function unproject({ x, y }, zoom) {
  const side = TILE_PX * 2 ** zoom;
  const lon = (x / side - 0.5) * 360;
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / side))) * 180) / Math.PI;
  return { lat, lon: wrapped(lon) };
}

/** Metres that one pixel is wide at this latitude. */
export function metresPerPixel(lat, zoom) {
  return (ROUND_M * Math.cos((lat * Math.PI) / 180)) / (TILE_PX * 2 ** zoom);
}

/** From -180 to below 180. */
export function wrapped(lon) {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}
