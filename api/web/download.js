// Handing a file to whoever looks, that needed a token to be read.
// Owns the link that does it. Must never keep what is in it.

const KEPT_MS = 10_000;

/** @param {string} text @param {string} type @param {string} name */
export function save(text, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").trim();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
