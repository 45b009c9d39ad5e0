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
