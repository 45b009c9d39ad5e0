// Where this browser is, asked only after a click.
// Owns that question, and rounding the answer to a cell before anybody else has it. Must never keep the exact place.

import { cellOf } from "./grid.js";

const WITHIN_MS = 15_000;
const OLD_MS = 5 * 60_000;
const SAID = {
  1: "This browser may not say where it is.", 2: "This browser does not know where it is.", 3: "Finding out where this is took too long.",
};

/** The cell I am in: its middle and corners. Throws an error with a sentence. */
export function locate() {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) {
      reject(new Error(SAID[2]));
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve(cellOf({ lat: coords.latitude, lon: coords.longitude })),
      ({ code }) => reject(new Error(SAID[code] ?? SAID[2])),
      { enableHighAccuracy: false, maximumAge: OLD_MS, timeout: WITHIN_MS },
    );
  });
}
