// Elements of drawings. Owns making them; text is only ever text.

const NS = "http://www.w3.org/2000/svg";

/** @param {...(Node|string|null|false|(Node|string)[])} children */
export function s(of, set = {}, ...children) {
  const [tag, ...classes] = of.split(".");
  const element = document.createElementNS(NS, tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(set)) if (value !== null && value !== false) element.setAttribute(name, value);
  element.append(...children.flat(3).filter((child) => child !== null && child !== false));
  return element;
}
