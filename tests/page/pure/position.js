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
