const { fromWall, isOpen, spanThere, stateWords, toWall } = await load("moments");
const { bars } = await load("turnout");
for (let seed = 1; seed <= 150; seed += 1) {
    const random = randomOf(seed);
    const ms = Math.floor((1.7e12 + random() * 2e11) / 60000) * 60000;
    for (const zone of ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"]) {
        const wall = toWall(ms, zone);
        same(toWall(fromWall(wall, zone), zone), wall, seed, zone);
        check(Math.abs(fromWall(wall, zone) - ms) <= 3600000, seed, zone, "but for an hour that comes twice it is the moment");
    }
}
same(fromWall("2026-07-01T20:00", "Europe/Berlin"), Date.UTC(2026, 6, 1, 18));
same(fromWall("2026-10-25T02:30", "Europe/Berlin"), Date.UTC(2026, 9, 25, 0, 30), "the first of two");
check(Math.abs(fromWall("2026-03-29T02:30", "Europe/Berlin") - Date.UTC(2026, 2, 29, 1, 0)) <= 3600000, "an hour that is not there");
same(fromWall("", "UTC"), null);
same(spanThere(0, 1000, "Europe/Berlin"), null, "the clocks agree");
check(spanThere(1.8e12, 1.8e12 + 3600000, "America/New_York").endsWith("in New York"));
check(typeof toWall(0, "Not/AZone") === "string", "a zone that is unknown here is shown in one's own");

const event = { state: "scheduled", doors_at_ms: 100, starts_at_ms: 200, ends_at_ms: 300 };
same([0, 150, 250, 300].map((now) => stateWords(event, now)), ["In 1 minute", "Doors are open", "On now", "Over"]);
same(stateWords({ ...event, state: "cancelled" }, 250), "Called off");
same([99, 100, 299, 300].map((now) => isOpen(event, now)), [false, true, true, false]);

const stats = { every_min: 1, arrivals: [{ from_ms: 0, people: 2 }, { from_ms: 180000, people: 1 }] };
same(bars(stats).found.map((one) => one.people), [2, 0, 0, 1]);
same(bars(stats, 330000).found.length, 6, "up to now");
const long = { every_min: 1, arrivals: Array.from({ length: 500 }, (_, place) => ({ from_ms: place * 60000, people: 1 })) };
const drawn = bars(long).found;
check(drawn.length <= 96 && drawn.reduce((sum, one) => sum + one.people, 0) === 500, drawn.length);
