// What the claims beside this file are made with. Owns loading the page's modules, chance from a seed, and checks.

const base = document.querySelector("script[type=module]").src.replace(/main\.js$/, "");
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
