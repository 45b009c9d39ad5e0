// A dialog: the browser's own, which keeps the focus inside, closes on Escape and gives the focus back.
// Owns its frame. What is in it is somebody else's.

import { h } from "./dom.js";
import { iconButton } from "./parts.js";

let titles = 0;

/**
 * Open one. `build(body, close)` fills it, and may return what to do at its end.
 * @param {string} title @param {(body: HTMLElement, close: () => void) => (void | (() => void))} build
 */
export function dialog(title, build, kind = "card") {
  const id = `dialog-${(titles += 1)}`;
  const body = h("div.dialog-body");
  const element = h(`dialog.dialog.${kind}`, { "aria-labelledby": id });
  const close = () => element.close();
  element.append(h("header.dialog-head", {}, h("h2", { id }, title), iconButton("close", "Close", close)), body);
  document.body.append(element);
  const over = build(body, close);
  element.addEventListener("close", () => {
    over?.();
    element.remove();
  });
  element.addEventListener("click", (event) => {
    if (event.target === element) close();
  });
  element.showModal();
  return close;
}

/** Ask before something that cannot be undone. */
export function confirm(title, text, label) {
  return new Promise((resolve) => {
    let answer = false;
    dialog(title, (body, close) => {
      const yes = () => {
        answer = true;
        close();
      };
      body.append(h("p", {}, text), h("div.dialog-actions", {},
        h("button.button.plain", { type: "button", onclick: close }, "Cancel"),
        h("button.button.danger", { type: "button", onclick: yes }, label)));
      return () => resolve(answer);
    }, "small");
  });
}
