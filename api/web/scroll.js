// Where the messages stand on the screen: at the end, at a message, or where they were while others come above.
// Owns the scroll position. Must never load anything: it says when an edge is near.

const NEAR_PX = 80;
const EDGE_PX = 600;

export class Scroll {
  /** @param {HTMLElement} pane what scrolls @param {(edge: "start"|"end") => void} near */
  constructor(pane, near) {
    this.pane = pane;
    this.atEnd = true;
    pane.addEventListener("scroll", () => {
      this.atEnd = this.#below() < NEAR_PX;
      if (pane.scrollTop < EDGE_PX) near("start");
      if (this.#below() < EDGE_PX) near("end");
    }, { passive: true });
    // A keyboard that comes up, or a composer that grows, takes from the pane: the end stays in sight.
    new ResizeObserver(() => this.atEnd && this.end()).observe(pane);
  }

  end() {
    this.pane.scrollTop = this.pane.scrollHeight;
    this.atEnd = true;
  }

  /** Change the rows; what is looked at stays where it is. */
  keep(change) {
    if (this.atEnd) {
      change();
      this.end();
      return;
    }
    const top = this.pane.getBoundingClientRect().top;
    const anchor = [...this.pane.querySelectorAll("[data-key]")].find((row) => row.getBoundingClientRect().bottom > top);
    const key = anchor?.dataset.key;
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    const after = key && this.pane.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (after) this.pane.scrollTop += after.getBoundingClientRect().top - before;
  }

  /** Show this element in the upper half. */
  show(element) {
    this.atEnd = false;
    this.pane.scrollTop += element.getBoundingClientRect().top - this.pane.getBoundingClientRect().top
      - this.pane.clientHeight / 3;
  }

  #below() {
    return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight;
  }
}
