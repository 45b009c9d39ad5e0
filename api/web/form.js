// An upload's form on its way, with how much of it is gone.
// Owns that one request: signed fields and the file after them, without a token. Must never know what is uploaded.

import { Problem, Unreachable } from "./rest.js";

/**
 * @param {{url: string, fields: Record<string, string>}} ticket @param {File} file
 * @param {(share: number) => void} told 0 to 1 @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function send({ url, fields }, file, told, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return new Promise((resolve, reject) => {
    // `fetch` does not tell how far an upload is.
    const request = new XMLHttpRequest();
    signal.addEventListener("abort", () => request.abort());
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Problem(request.status, answer(request))));
    request.onerror = () => reject(new Unreachable());
    request.onabort = () => reject(signal.reason);
    request.open("POST", url);
    request.send(form);
  });
}

/** A problem document; a store of somebody else's answers in its own way. */
function answer(request) {
  return request.getResponseHeader("content-type")?.includes("json") ? JSON.parse(request.responseText) : {};
}
