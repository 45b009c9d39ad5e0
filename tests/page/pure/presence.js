const { Presence } = await load("presence");
const STATES = ["active", "idle", "background", "offline"];
for (let seed = 1; seed <= 200; seed += 1) {
    const random = randomOf(seed);
    const truth = new Map();
    const presence = new Presence();
    same(presence.state("p0", 0), "unknown", seed);
    presence.frame({ people: [], whole: true, known: true });
    for (let step = 0; step < 60; step += 1) {
        const person = `p${Math.floor(random() * 6)}`;
        const state = STATES[Math.floor(random() * 4)];
        truth.set(person, state);
        if (random() < 0.2) {
            // Something was missed; a whole answer makes it right, and while nothing is known nobody is offline.
            presence.frame({ people: [], whole: true, known: false });
            check(presence.state(person, 0) === "unknown" && presence.words(person, 0) === "", seed);
            const there = [...truth].filter(([, one]) => one !== "offline");
            presence.frame({ people: there.map(([id, one]) => ({ person: id, state: one })), whole: true, known: true });
        } else presence.frame({ people: [{ person, state }], whole: false, known: true });
        for (const [id, one] of truth) check(presence.state(id, 0) === one, seed, id);
    }
}
const presence = new Presence();
const bob = { person: "b", state: "idle", busyUntil: 5, text: "lunch", emoji: "🍜", textUntil: 9 };
presence.frame({ people: [bob], whole: true, known: true });
same([presence.state("b", 4), presence.words("b", 4)], ["busy", "do not disturb · 🍜 lunch"]);
same([presence.state("b", 5), presence.words("b", 5)], ["idle", "away · 🍜 lunch"]);
same(presence.words("b", 9), "away");
presence.lost();
same(presence.state("b", 9), "unknown");

same(presence.online("r", []), null, "nothing is known");
presence.frame({ people: [bob], whole: true, known: true });
same(presence.online("r", [{ id: "b" }]), null, "a room that was not told");
presence.room({ room: "r", form: "names", online: null });
same([presence.online("r", [{ id: "b" }, { id: "c" }]), presence.online("r", undefined)], [1, null]);
presence.room({ room: "r", form: "count", online: 4321 });
same(presence.online("r", undefined), 4321);
