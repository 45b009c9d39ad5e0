// The grid to which one's own place is snapped before it leaves the browser: cells some 500 m wide, as the server's.
// Owns the arithmetic. Pure. Must never keep a place.

const EARTH_M = 6_371_008.8;
const CELL_M = 500;
const ROWS = Math.round((Math.PI * EARTH_M) / CELL_M);

/** The cell that holds a place: its middle, and its corners. */
export function cellOf({ lat, lon }) {
  const row = Math.min(Math.floor(((lat + 90) / 180) * ROWS), ROWS - 1);
  const high = 180 / ROWS;
  const middle = (row + 0.5) * high - 90;
  const cells = Math.max(1, Math.round(2 * ROWS * Math.cos((middle * Math.PI) / 180)));
  const wide = 360 / cells;
  const west = (Math.floor(((lon + 180) / 360) * cells) % cells) * wide - 180;
  const [south, north, east] = [middle - high / 2, middle + high / 2, west + wide];
  return {
    middle: { lat: middle, lon: west + wide / 2 },
    corners: [{ lat: south, lon: west }, { lat: south, lon: east }, { lat: north, lon: east }, { lat: north, lon: west }],
  };
}
