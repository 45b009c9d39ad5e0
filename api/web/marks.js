// Marks of a map that would lie upon each other, as one; and which of their names have room.
// Owns who goes with whom. Pure: the first given is the first to have its place.

const NEAR_PX = 34;
const NAME_PX = { each: 6.7, most: 190, high: 22, off: 16 };

/**
 * @template {{id: string, title: string}} M
 * @param {{mark: M, x: number, y: number}[]} placed @param {number} width of the frame
 * @param {{left: number, right: number, top: number, bottom: number}[]} kept where no name may stand
 * @returns {{id: string, x: number, y: number, marks: M[], named: boolean, before: boolean}[]} `before`: its name stands to
 *   the left, for there is no room to the right
 */
export function gathered(placed, width, kept = []) {
  const groups = [];
  for (const { mark, x, y } of placed) {
    const near = groups.find((one) => Math.hypot(one.x - x, one.y - y) < NEAR_PX);
    if (near) near.marks.push(mark);
    else groups.push({ id: mark.id, x, y, marks: [mark], named: false, before: false });
  }
  const taken = [...kept];
  for (const group of groups) {
    const right = nameBox(group, 1);
    group.before = right.right > width && group.x <= width && nameBox(group, -1).left >= 0;
    const box = group.before ? nameBox(group, -1) : right;
    const over = (one) => box.left < one.right && one.left < box.right && box.top < one.bottom && one.top < box.bottom;
    const dots = groups.filter((one) => one !== group).map((one) => around(one));
    group.named = ![...taken, ...dots].some(over);
    if (group.named) taken.push(box);
  }
  return groups;
}

/** A name beside its mark: to the right (1), or to the left (-1). */
function nameBox({ x, y, marks }, side) {
  const chars = marks[0].title.length + (marks.length > 1 ? " and 9 more".length : 0);
  const wide = Math.min(NAME_PX.most, chars * NAME_PX.each + 18);
  const near = x + side * NAME_PX.off;
  return {
    left: Math.min(near, near + side * wide), right: Math.max(near, near + side * wide), top: y - NAME_PX.high / 2,
    bottom: y + NAME_PX.high / 2,
  };
}

function around({ x, y }) {
  return { left: x - 12, right: x + 12, top: y - 12, bottom: y + 12 };
}
