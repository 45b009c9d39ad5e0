// Elements, made and kept: text is only ever text.
// Owns making elements and keeping a list of them in step with rows. Must never take markup from anybody.

/**
 * An element. `of`: "tag.class.class"; `set`: `on...` listeners, attributes (null and false: none).
 * @param {...(Node|string|null|false|undefined|(Node|string)[])} children
 * @returns {HTMLElement}
 */
export function h(of, set = {}, ...children) {
  const [tag, ...classes] = of.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(set ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  fill(element, children);
  return element;
}

/** Put these in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Set text only where it differs: what is unchanged is not announced again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps the children of `parent` in step with rows. A row whose `print` is as before keeps its element, so that focus,
 * selection and scrolling stay.
 * @template R
 * @param {(row: R) => string} key @param {(row: R) => string} print all that its element shows
 * @param {(row: R) => HTMLElement} make
 */
export function keyed(parent, key, print, make) {
  let kept = new Map();
  return (rows) => {
    const next = new Map();
    let place = parent.firstChild;
    for (const row of rows) {
      const name = key(row);
      const now = print(row);
      const before = kept.get(name);
      const element = before?.now === now ? before.element : make(row);
      if (before && before.element !== element) {
        const focused = before.element.contains(document.activeElement) ? document.activeElement : null;
        if (place === before.element) place = element;
        before.element.replaceWith(element);
        if (focused) refocus(focused, element);
      } else if (place !== element) parent.insertBefore(element, place);
      else place = place.nextSibling;
      if (place === element) place = element.nextSibling;
      next.set(name, { element, now });
    }
    for (const [name, { element }] of kept) if (!next.has(name)) element.remove();
    kept = next;
  };
}

/** The focus was in an element that is made anew: it goes to what stands in its place. */
function refocus(focused, after) {
  const name = focused.dataset.focus;
  const target = name ? after.querySelector(`[data-focus="${CSS.escape(name)}"]`) : after.querySelector("button.room");
  (target ?? after).focus({ preventScroll: true });
}
