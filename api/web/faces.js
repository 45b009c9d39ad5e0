// Who somebody is at a glance: initials and one of eight colours.
// Owns that the same id always looks the same. Must never ask who that is.

const COLOURS = 8;

/** Up to two letters of a name. */
export function initials(name) {
  const words = name.replace(/^[@#]/, "").split(/[\s._-]+/u).filter(Boolean);
  const first = [...(words[0] ?? "?")];
  const second = words.length > 1 ? [...words.at(-1)][0] : (first[1] ?? "");
  return (first[0] + second).toLocaleUpperCase();
}

/** 0 to 7. */
export function colour(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % COLOURS;
}
