const { NEAREST, bounds, dragged, farthest, fitted, toPoint, toScreen, zoomed } = await load("camera");
const { metresPerPixel, project, unproject } = await load("mercator");
const { distance, graticule, rings, scaleBar } = await load("graticule");
const { cellOf } = await load("grid");
const { away, circle, ringsOf } = await load("fence");
const { gathered } = await load("marks");
const { needed } = await load("tiles");
const near = (a, b, within, ...why) => check(Math.abs(a - b) <= within, a, b, ...why);
const far = (a, b) => {
    const turn = Math.PI / 180;
    const up = Math.sin(((b.lat - a.lat) * turn) / 2);
    const across = Math.sin(((b.lon - a.lon) * turn) / 2);
    return 2 * 6371008.8 * Math.asin(Math.sqrt(up * up + Math.cos(a.lat * turn) * Math.cos(b.lat * turn) * across * across));
};
for (let seed = 1; seed <= 400; seed += 1) {
    const random = randomOf(seed);
    const point = { lat: random() * 160 - 80, lon: random() * 360 - 180 };
    const zoom = 3 + random() * 16;
    const back = unproject(project(point, zoom), zoom);
    near(back.lat, point.lat, 1e-9, seed);
    near(back.lon, point.lon, 1e-9, seed);

    const camera = fitted({ ...point, zoom, width: 300 + random() * 900, height: 200 + random() * 600 }, [point], 40, zoom);
    const at = { x: random() * camera.width, y: random() * camera.height };
    const there = toScreen(camera, toPoint(camera, at));
    near(there.y, at.y, 1e-3, seed, "what is on the screen is a place, and the place is there");
    const anchor = { x: camera.width * random(), y: camera.height * random() };
    const held = toPoint(camera, anchor);
    const closer = zoomed(camera, Math.min(1, NEAREST - camera.zoom), anchor);
    near(toScreen(closer, held).x, anchor.x, 1e-2, seed, "zooming keeps what is under the pointer");
    const moved = dragged(camera, anchor, { x: anchor.x + 5, y: anchor.y });
    near(toScreen(moved, held).x, anchor.x + 5, 1e-2, seed);

    const others = Array.from({ length: 4 }, () => away(point, random() * 20000, random() * 6.28));
    const all = fitted(camera, [point, ...others], 40, 19);
    for (const one of [point, ...others]) {
        const { x, y } = toScreen(all, one);
        check(x >= 39 && x <= all.width - 39 && y >= 39 && y <= all.height - 39, seed, x, y, all, "everything fits");
    }

    const lines = graticule(camera);
    check(lines.lats.length + lines.lons.length < 200, seed, "lines are bounded");
    check(lines.lons.filter((one) => one.name).length <= camera.width / 96 + 1, seed);
    const bar = scaleBar(camera);
    check(bar.px > 40 && bar.px <= 120, seed, bar);
    check(rings(camera).every((one) => one > 0), seed);
    check(needed(camera).length <= 80 && needed(camera).every((one) => one.x >= 0 && one.x < 2 ** one.zoom), seed);

    const { middle, corners } = cellOf(point);
    same(cellOf(middle).middle, middle, seed, "the middle of a cell is in it");
    check(far(point, middle) < 360, seed, far(point, middle));
    check(corners.every((one) => far(one, middle) < 400), seed);
    const metres = 20 + random() * 5000;
    for (const one of circle(point, metres).slice(0, 5)) near(far(point, one), metres, metres / 500, seed);
}
near(metresPerPixel(0, 0), 156543.03, 0.01);
same([distance(850), distance(1200), distance(40000)], ["850 m", "1.2 km", "40 km"]);
const wide = { lat: 0, lon: 179, zoom: 5, width: 600, height: 400 };
near(toScreen(wide, { lat: 0, lon: -179 }).x - toScreen(wide, { lat: 0, lon: 179 }).x, 2 * (256 * 32) / 360, 1e-6, "over the date line");
check(bounds(wide).east > 180);
same(zoomed({ ...wide, width: 1024 }, -9).zoom, farthest({ width: 1024 }), "the Earth is seen once");
same(ringsOf({ type: "polygon", rings: [[[1, 2], [3, 4], [5, 6], [1, 2]]] })[0][1], { lat: 4, lon: 3 });

const mark = (id, title = "A night") => ({ id, title });
const groups = gathered([{ mark: mark("a"), x: 10, y: 10 }, { mark: mark("b"), x: 20, y: 10 }, { mark: mark("c"), x: 290, y: 100 }], 300);
same(groups.map((one) => [one.id, one.marks.length, one.named, one.before]), [["a", 2, true, false], ["c", 1, true, true]]);
same(gathered([{ mark: mark("a"), x: 50, y: 50 }, { mark: mark("b"), x: 90, y: 50 }], 600)[0].named, false, "a name covers no other mark");
same(gathered([{ mark: mark("a"), x: 50, y: 50 }], 600, [{ left: 60, right: 90, top: 40, bottom: 60 }])[0].named, false);
