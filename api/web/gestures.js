// How a map is moved: dragged, pinched, by the wheel, by keys.
// Owns the listeners and what each gesture means. Must never draw: it hands on another camera.

import { dragged, zoomed } from "./camera.js";

const STEP_PX = 72;
const WHEEL_PX = 240; // of scrolling for one zoom
const STILL_PX = 5; // less than that is a click
const KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {HTMLElement} frame what takes the gestures
 * @param {{camera: () => object, move: (camera: object) => void, click: (at: {x: number, y: number}) => void, fit: () => void}} map
 */
export function gestures(frame, map) {
  const fingers = new Map();
  let travelled = 0;

  function place(event) {
    const { left, top } = frame.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  function down(event) {
    if (event.button !== 0 || event.target.closest("button")) return;
    if (!fingers.size) travelled = 0;
    frame.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
  }

  function moved(event) {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    fingers.set(event.pointerId, now);
    if (travelled < STILL_PX) return;
    let camera = dragged(map.camera(), before, now);
    if (other) {
      // Half of it is the other finger's to say.
      const middle = (one) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
      const wide = (one) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
      camera = zoomed(dragged(map.camera(), middle(before), middle(now)), Math.log2(wide(now) / wide(before)), middle(now));
    }
    map.move(camera);
  }

  function up(event) {
    const last = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (last && event.type === "pointerup" && !fingers.size && travelled < STILL_PX) map.click(last);
  }

  function wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    const by = Math.max(-1, Math.min(1, (-event.deltaY * lines) / WHEEL_PX));
    map.move(zoomed(map.camera(), by, place(event)));
  }

  function key(event) {
    if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const camera = map.camera();
    const step = KEYS[event.key];
    const middle = { x: camera.width / 2, y: camera.height / 2 };
    if (step) map.move(dragged(camera, middle, { x: middle.x + step[0] * STEP_PX, y: middle.y + step[1] * STEP_PX }));
    else if (event.key === "+" || event.key === "=") map.move(zoomed(camera, 1));
    else if (event.key === "-") map.move(zoomed(camera, -1));
    else if (event.key === "0" || event.key === "Home") map.fit();
    else if (event.key === "Enter" || event.key === " ") map.click(middle);
    else return;
    event.preventDefault();
  }

  frame.addEventListener("pointerdown", down);
  frame.addEventListener("pointermove", moved);
  for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, up);
  frame.addEventListener("wheel", wheel, { passive: false });
  frame.addEventListener("keydown", key);
}
