// A fence as lines on a map: a circle or GeoJSON's polygon as rings of places.
// Owns the geometry. Pure.

const EARTH_M = 6_371_008.8;
const SIDES = 72;

/** Rings of places, the first outside; none without a fence. */
export function ringsOf(fence) {
  if (!fence) return [];
  if (fence.type === "circle") return [circle(fence.centre, fence.radius_m)];
  return fence.rings.map((ring) => ring.map(([lon, lat]) => ({ lat, lon })));
}

/** Places all around one, at this distance. */
export function circle(centre, metres) {
  return Array.from({ length: SIDES }, (_, side) => away(centre, metres, (2 * Math.PI * side) / SIDES));
}

/** The place so far from another, in a direction: radians from north, clockwise. */
export function away({ lat, lon }, metres, direction) {
  const [high, far] = [(lat * Math.PI) / 180, metres / EARTH_M];
  const sine = Math.sin(high) * Math.cos(far) + Math.cos(high) * Math.sin(far) * Math.cos(direction);
  const east = Math.atan2(Math.sin(direction) * Math.sin(far) * Math.cos(high), Math.cos(far) - Math.sin(high) * sine);
  return { lat: (Math.asin(sine) * 180) / Math.PI, lon: lon + (east * 180) / Math.PI };
}

/** What a fence is, in words. */
export function fenceWords(fence) {
  if (!fence) return "";
  if (fence.type === "circle") return `within ${Math.round(fence.radius_m)} m`;
  return `in an area with ${fence.rings[0].length - 1} corners`;
}
