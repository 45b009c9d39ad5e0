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
