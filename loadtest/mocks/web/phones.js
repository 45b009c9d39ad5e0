// Keeps the list as the server has it. A phone whose screen is the same stays the same element: focus and scrolling too.

const PAUSE_MS = 300; // between two looks, however much happens
const AWAY_MS = 2000;
const line = document.getElementById("line");

function say(text, lost) {
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("lost", lost);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("phones");
  const old = document.getElementById("phones");
  const there = new Map([...old.querySelectorAll("li[data-token]")].map((phone) => [phone.dataset.token, phone]));
  const active = document.activeElement;
  const held = active?.closest("li[data-token]")?.dataset.token;
  const place = active?.matches(".screen") ? ".screen" : active?.dataset?.do === "opened" ? "[data-do=opened]" : "button:last-child";
  for (const phone of fresh.querySelectorAll("li[data-token]")) {
    const known = there.get(phone.dataset.token);
    if (known?.dataset.mark === phone.dataset.mark) phone.replaceWith(known);
    else if (known) {
      const scrolled = known.querySelector(".screen").scrollTop;
      queueMicrotask(() => { phone.querySelector(".screen").scrollTop = scrolled; });
    }
  }
  old.replaceWith(fresh);
  if (held && document.activeElement !== active) {
    const phone = [...fresh.querySelectorAll("li[data-token]")].find((one) => one.dataset.token === held);
    phone?.querySelector(place)?.focus({ preventScroll: true });
  }
}

async function look() {
  for (;;) {
    try {
      const since = document.getElementById("phones").dataset.version;
      const answer = await fetch(`/phones?since=${since}`);
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.text());
      say("Kept up to date", false);
      await pause(PAUSE_MS);
    } catch {
      say("The mocks do not answer; looking again", true);
      await pause(AWAY_MS);
    }
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button) return;
  const { token, provider } = button.closest("li").dataset;
  const path = `/phones/${encodeURIComponent(token)}`;
  try {
    if (button.dataset.do === "opened") await fetch(`${path}/opened`, { method: "POST" });
    else await fetch(path, { method: "PUT", body: JSON.stringify({ provider, online: button.dataset.do === "back" }) });
  } catch {
    say("The mocks do not answer; looking again", true);
  }
});

look();
