// Marks of a map that would lie upon each other, as one; and which of their names have room.
// Owns who goes with whom. Pure: the first given is the first to have its place.

const NEAR_PX = 34;
const NAME_PX = { each: 6.7, most: 190, high: 22, off: 16 };

/**
 * @template {{id: string, title: string}} M
 * @param {{mark: M, x: number, y: number}[]} placed
 * @returns {{id: string, x: number, y: number, marks: M[], named: boolean}[]}
 */
export function gathered(placed) {
  const groups = [];
  for (const { mark, x, y } of placed) {
    const near = groups.find((one) => Math.hypot(one.x - x, one.y - y) < NEAR_PX);
    if (near) near.marks.push(mark);
    else groups.push({ id: mark.id, x, y, marks: [mark], named: false });
  }
  const taken = [];
  for (const group of groups) {
    const box = nameBox(group);
    const over = (one) => box.left < one.right && one.left < box.right && box.top < one.bottom && one.top < box.bottom;
    const dots = groups.filter((one) => one !== group).map((one) => around(one));
    group.named = ![...taken, ...dots].some(over);
    if (group.named) taken.push(box);
  }
  return groups;
}

/** A name stands to the right of its mark. */
function nameBox({ x, y, marks }) {
  const wide = Math.min(NAME_PX.most, marks[0].title.length * NAME_PX.each + 12);
  return { left: x + NAME_PX.off, right: x + NAME_PX.off + wide, top: y - NAME_PX.high / 2, bottom: y + NAME_PX.high / 2 };
}

function around({ x, y }) {
  return { left: x - 12, right: x + 12, top: y - 12, bottom: y + 12 };
}
