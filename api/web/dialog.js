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
  const opener = document.activeElement;
  const body = h("div.dialog-body");
  const element = h(`dialog.dialog.${kind}`, { "aria-labelledby": id });
  const close = () => element.close();
  element.append(h("header.dialog-head", {}, h("h2", { id }, title), iconButton("close", "Close", close)), body);
  document.body.append(element);
  const over = build(body, close);
  element.addEventListener("close", () => {
    over?.();
    element.remove();
    giveBack(opener);
  });
  element.addEventListener("click", (event) => {
    if (event.target === element) close();
  });
  element.showModal();
  return close;
}

/** What opened a dialog may be out of sight until its message has the focus, or have been made anew. */
function giveBack(opener) {
  if (document.activeElement !== document.body) return;
  const row = opener.closest("[data-key]");
  const now = row && document.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`);
  now?.focus({ preventScroll: true });
  const same = now && opener.dataset.focus ? now.querySelector(`[data-focus="${CSS.escape(opener.dataset.focus)}"]`) : opener;
  if (same?.isConnected) same.focus({ preventScroll: true });
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
