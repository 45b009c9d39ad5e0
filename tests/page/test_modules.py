"""The page's pure modules, in the browser that runs them: folding, positions, the outbox, coming back."""

from typing import Any

import pytest
from playwright.async_api import Browser

from loadtest.stack import Stack
from tests.page.browser import window

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRELUDE = """
    const base = document.querySelector("script[type=module]").src.replace(/main\\.js$/, "");
    const load = (name) => import(base + name + ".js");
    // Small, seeded and good enough: mulberry32.
    const randomOf = (seed) => () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const check = (holds, ...why) => { if (!holds) throw new Error(JSON.stringify(why)); };
    const same = (a, b, ...why) => check(JSON.stringify(a) === JSON.stringify(b), a, b, ...why);
"""


async def _run(stack: Stack, browser: Browser, script: str) -> Any:
    async with window(browser, stack.api_url) as one:
        result = await one.page.evaluate(f"async () => {{ {PRELUDE} {script} }}")
        one.quiet()
        return result


async def test_entries_are_taken_once_and_in_order_however_they_arrive(
    stack: Stack, browser: Browser
) -> None:
    """300 shuffles with repeats, skips, and a history page that settles part of it."""
    await _run(
        stack,
        browser,
        """
        const { Position } = await load("position");
        for (let seed = 1; seed <= 300; seed += 1) {
            const random = randomOf(seed);
            const arrivals = [];
            for (let seq = 6; seq <= 40; ) {
                const to = random() < 0.2 ? seq + Math.floor(random() * 3) : seq;
                arrivals.push({ from: seq, to, entry: to === seq && random() < 0.8 ? { seq } : null });
                seq = to + 1;
            }
            const expected = arrivals.filter((one) => one.entry).map((one) => one.entry.seq);
            const last = arrivals.at(-1).to;
            const shuffled = [...arrivals, ...arrivals.slice(0, 9)].map((one) => [random(), one]).sort((a, b) => a[0] - b[0]);
            const position = new Position(5);
            const seen = [];
            let before = 5;
            for (const [, { from, to, entry }] of shuffled) {
                const { entries, hole } = position.take(from, to, entry);
                seen.push(...entries.map((one) => one.seq));
                check(position.at >= before, seed);
                before = position.at;
                if (hole) check(hole[0] === position.at + 1 && hole[1] >= hole[0], seed, hole);
            }
            same(seen, expected, seed);
            check(position.at === last && !position.held.length, seed);
        }
        const position = new Position(0);
        same(position.take(5, 5, { seq: 5 }).hole, [1, 4]);
        same(position.settle(4).entries.map((one) => one.seq), [5]);
        """,
    )


async def test_a_page_and_the_entries_after_it_are_the_log_as_it_is(
    stack: Stack, browser: Browser
) -> None:
    """Random logs of posts, edits, deletions and reactions: wherever the page is taken, the end is the same."""
    await _run(
        stack,
        browser,
        """
        const { Log } = await load("log");
        const shown = (log) => log.items.map((item) => [item.seq, item.body.text ?? null, item.edited, item.deleted,
            [...item.reactions].map(([emoji, { count, mine }]) => [emoji, count, mine]).sort()]);
        const pageOf = (entries, from, head) => {
            const log = new Log("me");
            log.loaded = true;
            for (const entry of entries.slice(0, head)) { log.entry(entry, true); log.reach(entry.seq); }
            return { from_seq: from, to_seq: head, head, more: from > 1, entries: log.items.filter((item) => item.seq >= from)
                .map((item) => ({ ...item, client_id: item.clientId, at_ms: item.at, edited_seq: item.edited ? 1 : null,
                    deleted_seq: item.deleted ? 1 : null, reactions: [...item.reactions].map(([emoji, one]) => ({ emoji, ...one })) })) };
        };
        for (let seed = 1; seed <= 200; seed += 1) {
            const random = randomOf(seed);
            const entries = [];
            const on = new Map();
            for (let seq = 1; seq <= 60; seq += 1) {
                const author = random() < 0.5 ? "me" : "you";
                const posts = entries.filter((one) => one.kind === "post" && !on.get(one.seq).gone);
                const target = posts.length ? posts[Math.floor(random() * posts.length)].seq : null;
                const dice = random();
                const common = { seq, author, clientId: `c${seq}`, at: seq };
                if (target === null || dice < 0.5) {
                    entries.push({ ...common, kind: "post", body: { text: `t${seq}` } });
                    on.set(seq, { gone: false, by: new Set() });
                } else if (dice < 0.65) entries.push({ ...common, kind: "edit", body: { target, text: `e${seq}` } });
                else if (dice < 0.7) { entries.push({ ...common, kind: "delete", body: { target } }); on.get(target).gone = true; }
                else {
                    const by = on.get(target).by;
                    const kind = by.has(author) ? "unreact" : "react";
                    if (kind === "react") by.add(author); else by.delete(author);
                    entries.push({ ...common, kind, body: { target, emoji: "x" } });
                }
            }
            const whole = new Log("me");
            whole.page(pageOf(entries, 1, 60));
            for (const head of [1, 20, 45, 60]) {
                const log = new Log("me");
                const from = Math.max(1, head - 12);
                log.page(pageOf(entries, from, head));
                // Some come twice: those the page holds already.
                for (const entry of entries.slice(Math.max(0, head - 5))) { log.entry(entry, true); log.reach(entry.seq); }
                if (from > 1) log.page({ ...pageOf(entries, 1, 60), to_seq: from - 1,
                    entries: pageOf(entries, 1, 60).entries.filter((item) => item.seq < from) });
                same(shown(log), shown(whole), seed, head);
            }
        }
        """,
    )


async def test_the_outbox_repeats_by_the_rules(stack: Stack, browser: Browser) -> None:
    """In order; after a temporary refusal the room waits, the others do not; nothing is forgotten but what is done."""
    await _run(
        stack,
        browser,
        """
        const { Outbox } = await load("outbox");
        const ids = (wishes) => wishes.map((wish) => wish.clientId);
        const box = new Outbox();
        for (const [room, id] of [["a", "1"], ["a", "2"], ["b", "3"]]) box.add(room, id, [5, room, id], 0);
        same(ids(box.due()), ["1", "2", "3"]);
        same(box.due(), []);
        box.unsure("1");
        box.add("a", "4", [5], 0);
        same(box.due(), [], "the pause is not over");
        box.again("a");
        same(box.due(), [], "2 has no answer yet");
        box.acked("2", 7);
        same(ids(box.due()), ["1"], "the unsure one alone");
        box.acked("1", 8);
        same(ids(box.due()), ["4"]);
        box.disconnected();
        same(ids(box.due()), ["3", "4"], "all without an answer, in order");
        box.held("a", 7);
        same(ids(box.of("a")), ["1", "4"]);
        box.failed("4", "no");
        same(ids(new Outbox(box.kept()).due()), ["3"], "what failed waits for a person");
        box.retry("4");
        same(ids(box.due()), ["4"]);
        """,
    )


async def test_close_codes_lead_where_the_protocol_says(stack: Stack, browser: Browser) -> None:
    """Ranges, the pauses between tries, and a frame of a later version."""
    await _run(
        stack,
        browser,
        """
        const { verdict, Backoff } = await load("backoff");
        for (const code of [4000, 4001, 4499, 1000, 1001, 1006, 1011, 4999 - 600]) same(verdict(code), "back", code);
        for (const code of [4500, 4503, 4999, 1002, 1003, 1007, 1008, 1009, 1010]) same(verdict(code), "stop", code);
        same([verdict(4004), verdict(4007)], ["token", "replaced"]);
        const most = new Backoff(() => 1);
        same([0, 0, 0, 0, 0, 0, 0, 0].map(() => most.pause(0)), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        same([most.pause(11_000), new Backoff(() => 0).pause(0, 2500)], [500, 2500]);
        const { decode, encode, post } = await load("frames");
        same(decode('[99,0,"x"]'), null);
        same(decode('[65,4,"r",2,1,5,true,"later"]').fresh, true);
        same(encode(post("r", "c", "hello", null, null), 5), '[5,5,"r","c","hello",null,false,null]');
        """,
    )


async def test_rows_stand_as_they_should(stack: Stack, browser: Browser) -> None:
    """Days, groups, one divider before what is new, and a message being sent keeps its row when it is committed."""
    await _run(
        stack,
        browser,
        """
        const { rows } = await load("rows");
        const day = 86_400_000;
        const item = (seq, author, at) => ({ seq, kind: "post", author, at, clientId: `c${seq}`, body: { text: "x" }, reactions: new Map() });
        const items = [item(1, "me", 1000), item(2, "you", day * 3), item(3, "you", day * 3 + 1000), item(4, "me", day * 3 + 2000)];
        const wish = { room: "r", clientId: "c9", frame: [5, "r", "c9", "hello", null, false, null], at: day * 3 + 3000, state: "sent" };
        const found = rows(items, [wish], { me: "me", unreadAfter: 1, direct: false });
        same(found.map((row) => row.type), ["day", "message", "day", "unread", "message", "message", "message", "message"]);
        same(found.filter((row) => row.type === "message").map((row) => [row.first, row.last]),
            [[true, true], [true, false], [false, true], [true, false], [false, true]]);
        const committed = rows([...items, item(9, "me", day * 3 + 3100)], [{ ...wish, state: "acked" }], { me: "me", unreadAfter: null });
        same(committed.at(-1).key, found.at(-1).key);
        same(new Set(committed.map((row) => row.key)).size, committed.length);
        """,
    )
