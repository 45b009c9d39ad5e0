// The page's few signs, drawn with one stroke width on a grid of 24.
// Owns their lines. An icon is never the only name of a control: that is its label.

const NS = "http://www.w3.org/2000/svg";
const LINES = {
  back: ["M15 5l-7 7 7 7"],
  plus: ["M12 5v14M5 12h14"],
  search: ["M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14z", "M16.2 16.2L20.5 20.5"],
  send: ["M4.5 11.8L20 4.5l-4.6 15-3.6-6.3z", "M11.8 13.2L20 4.5"],
  smile: ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M8.5 14c1.9 2.5 5.1 2.5 7 0", "M9.2 9.6v.3M14.8 9.6v.3"],
  reply: ["M9.5 6L4 11.2l5.5 5.2", "M4.5 11.2H14a6 6 0 0 1 6 6v.8"],
  more: ["M6 12h.01M12 12h.01M18 12h.01"],
  info: ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M12 11v5M12 8v.1"],
  people: ["M9 11.5a3.5 3.5 0 1 0 0-7a3.5 3.5 0 0 0 0 7z", "M2.8 19.5c.6-3.4 3-5.2 6.2-5.2s5.6 1.8 6.2 5.2",
    "M15.5 4.8a3.4 3.4 0 0 1 0 6.4M17.6 14.8c1.9.7 3.2 2.3 3.6 4.7"],
  close: ["M6 6l12 12M18 6L6 18"],
  pin: ["M9 4h6l-.8 6 3.3 3.5H6.5L9.8 10z", "M12 13.5V20"],
  mute: ["M6 16.5V11a6 6 0 0 1 9.5-4.9M18 10.5v6H8M10 19.5a2.2 2.2 0 0 0 4 0M4 4l16 16"],
  down: ["M12 5v13M6.5 12.8L12 18.3l5.5-5.5"],
  check: ["M5 12.8l4.4 4.4L19 7.5"],
  checks: ["M2.5 12.8l4.2 4.2L15 8", "M11.6 16.4l.8.8L21.5 8"],
  waiting: ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M12 7.5V12l3 2"],
  failed: ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M12 7.5v5.5M12 16.2v.1"],
  edit: ["M5 19l.8-3.8L16 5l3 3L8.8 18.2z"],
  flag: ["M6 20.5V4.5M6 5h11.5l-2.5 4 2.5 4H6"],
  trash: ["M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7"],
  copy: ["M9 9h10v10H9z", "M15 9V5H5v10h4"],
  clip: ["M18.5 11.5l-6.8 6.8a4 4 0 0 1-5.7-5.7l7.5-7.4a2.7 2.7 0 0 1 3.8 3.8l-7.4 7.4a1.3 1.3 0 0 1-1.9-1.9l6.4-6.3"],
  picture: ["M4 5h16v14H4z", "M4 16.5l5-5 4.5 4.5 2.5-2.5 4 4", "M15.5 9h.01"],
  link: ["M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1", "M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"],
  globe: ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M3.8 12h16.4", "M12 3.5c3 2.5 3 14.5 0 17c-3-2.5-3-14.5 0-17z"],
  minus: ["M5 12h14"],
  frame: ["M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
  calendar: ["M5 6h14v13.5H5z", "M5 10.5h14M9 3.8V8M15 3.8V8"],
  place: ["M12 21c-4.4-5-6.6-8.4-6.6-11.2a6.6 6.6 0 0 1 13.2 0c0 2.8-2.2 6.2-6.6 11.2z", "M12 12.3a2.4 2.4 0 1 0 0-4.8a2.4 2.4 0 0 0 0 4.8z"],
  here: ["M12 8.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7z", "M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3"],
  code: ["M4.5 4.5h5v5h-5zM14.5 4.5h5v5h-5zM4.5 14.5h5v5h-5z", "M14.5 14.5h2M19.5 14.5v2M14.5 17.5v2h2M19.5 19.5h-.1"],
  chat: ["M4.5 5.5h15v10.5h-8.5l-4 3.5v-3.5h-2.5z"],
  leave: ["M10 4.5H5v15h5", "M9.5 12H20M16 8l4 4-4 4"],
};

/** An icon for inside a labelled control. */
export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const line of LINES[name]) {
    const path = document.createElementNS(NS, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}
