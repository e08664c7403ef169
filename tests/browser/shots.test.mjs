// Pages as they look: each screen once or twice, in turn in both languages, both lights and both sizes, compared with pictures that are kept.
//
// `FALAJ_WRITE_SHOTS=1` writes them anew; look at them before they are kept. What differs from run to run (times, ids, ages, figures that race)
// is made still before a picture is taken, and colours are made fewer, which keeps the pictures small and forgives the smoothing of letters.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { DESKTOP, PHONE, Visitor, close } from "./lib/browser.mjs";
import { screens } from "./lib/screens.mjs";
import { seeded } from "./lib/seed.mjs";
import { AGENCIES } from "./lib/town.mjs";

const KEPT = new URL("shots/", import.meta.url);
const DIFFERENT = new URL("shots-diff/", import.meta.url);
/** The share of a picture that may differ. */
const SHARE = 0.004;
/** How much a point may differ, 0 to 1, before it counts. */
const POINT = 0.2;
/** Pictures of all kinds together, in bytes. */
const BYTES_MAX = 3 << 20;

// Language, light and size go in turn, so that each is seen often and no product of them is kept.
const LOOKS = [
  { lang: "en", theme: "light", size: DESKTOP }, { lang: "en", theme: "dark", size: PHONE }, { lang: "ar", theme: "dark", size: DESKTOP },
  { lang: "ar", theme: "dark", size: PHONE }, { lang: "ar", theme: "light", size: DESKTOP }, { lang: "en", theme: "light", size: PHONE },
];
// Those that matter most are seen in two looks that have nothing in common.
const TWICE = ["overview", "envelope", "dead-letters", "schedule", "find"];

let town, list;
before(async () => {
  town = await seeded();
  list = await screens(town);
  await mkdir(KEPT, { recursive: true });
  await rm(DIFFERENT, { recursive: true, force: true });
});
after(async () => {
  await close();
  await town?.tear();
});

test("every screen looks as it did", async (t) => {
  const visitors = new Map();
  const taken = new Set();
  for (const [n, screen] of list.filter((one) => one.picture !== null).entries()) {
    const looks = [LOOKS[n % LOOKS.length]];
    if (TWICE.includes(screen.name)) looks.push(LOOKS[(n + 3) % LOOKS.length]);
    for (const look of looks) {
      const { lang, theme, size } = look;
      const name = `${screen.name}-${lang}-${theme}-${size.width}.png`;
      taken.add(name);
      await t.test(name, async () => {
        const key = `${screen.who} ${lang} ${theme} ${size.width}`;
        if (!visitors.has(key)) {
          const visitor = await Visitor.comes(town, look);
          visitor.expects(/status of 40[34]/);
          if (screen.who) await visitor.signsIn(screen.who);
          visitors.set(key, visitor);
        }
        const visitor = visitors.get(key);
        await visitor.opens(screen.picture ?? screen.path);
        await still(visitor);
        await compare(name, fewer(PNG.sync.read(Buffer.from(await visitor.page.screenshot()))));
      });
    }
  }
  for (const visitor of visitors.values()) await visitor.leaves();
  await t.test("no picture is kept of what is not there, and all are small", async () => {
    const kept = await readdir(KEPT);
    if (process.env.FALAJ_WRITE_SHOTS) for (const name of kept) if (!taken.has(name)) await rm(new URL(name, KEPT));
    const now = await readdir(KEPT);
    assert.deepEqual(now.sort(), [...taken].sort());
    const bytes = now.reduce((sum, name) => sum + readFileSync(new URL(name, KEPT)).length, 0);
    assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
  });
});

/** Makes still what moves, and writes over what differs from run to run. */
async function still(visitor) {
  await visitor.page.evaluate(async (racing) => {
    const style = new CSSStyleSheet();
    style.replaceSync("*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important; scroll-behavior: auto !important } progress { visibility: hidden }");
    document.adoptedStyleSheets.push(style);
    // No change comes any more.
    document.dispatchEvent(new Event("pagehide"));
    dispatchEvent(new Event("pagehide"));
    const arabic = document.documentElement.lang === "ar";
    const zero = arabic ? "٠" : "0";
    const digits = (text) => text.replace(/[0-9٠-٩]/g, zero);
    for (const time of document.querySelectorAll("time")) time.textContent = time.classList.contains("age") ? (arabic ? "دقيقة" : "1 min") : digits("26 Nov 2026, 06:48:12");
    for (const one of document.querySelectorAll(".why, .sentence, .outlook")) one.textContent = arabic ? "يُذكر السبب هنا." : "The reason stands here.";
    // Ids, codes of lanes, ports.
    for (const code of document.querySelectorAll("code")) if (/[0-9]/.test(code.textContent)) code.textContent = digits(code.textContent.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b/g, (id) => id.replace(/[a-f]/g, "0")));
    // Figures race while an agency is down; each becomes one digit, and what was nothing may be something.
    for (const cell of document.querySelectorAll("td.num, tfoot td, .facts b")) cell.textContent = arabic ? "٧" : "7";
    for (const one of document.querySelectorAll(".tries li")) for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE) node.textContent = " · ";
    for (const chart of document.querySelectorAll("svg.bars, svg.plot, svg.spark, .gauge")) chart.style.visibility = "hidden";
    // Who is down is asked now and again, and who is slow has two of all in flight: they are not in the picture.
    for (const one of document.querySelectorAll(".branch, tr")) if (racing.some((name) => one.innerText.includes(name))) one.style.display = "none";
    for (const one of document.querySelectorAll(".card + .card tr:nth-child(n+3)")) one.style.display = "none";
    await document.fonts.ready;
    // A field that is to have the focus at first gets it when the page is drawn.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    document.activeElement.blur();
    // On a phone the list of places stands where it was before its letters had come, or after.
    document.querySelector(".places [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
    scrollTo(0, 0);
  }, [AGENCIES.municipality, AGENCIES.mol].map((agency) => visitor.name(agency)));
}

/** The same picture with sixteen shades of each colour. */
function fewer(picture) {
  for (let at = 0; at < picture.data.length; at += 1) if (at % 4 !== 3) picture.data[at] = Math.round(picture.data[at] / 17) * 17;
  return picture;
}

async function compare(name, now) {
  const file = new URL(name, KEPT);
  if (process.env.FALAJ_WRITE_SHOTS) {
    await writeFile(file, PNG.sync.write(now, { colorType: 2, deflateLevel: 9, deflateStrategy: 0, filterType: 0 }));
    return;
  }
  assert.ok(existsSync(file), `no picture ${name} is kept; FALAJ_WRITE_SHOTS=1 writes it`);
  const then = PNG.sync.read(readFileSync(file));
  const same = then.width === now.width && then.height === now.height;
  const difference = new PNG({ width: now.width, height: now.height });
  const points = same ? pixelmatch(then.data, now.data, difference.data, now.width, now.height, { threshold: POINT }) : Infinity;
  if (points <= now.width * now.height * SHARE) return;
  await mkdir(DIFFERENT, { recursive: true });
  const [is, differs] = [`now-${name}`, `differs-${name}`].map((one) => new URL(one, DIFFERENT));
  await writeFile(is, PNG.sync.write(now));
  if (same) await writeFile(differs, PNG.sync.write(difference));
  assert.fail(`${name} looks different: ${same ? `${points} points of ${now.width * now.height}` : `${now.width}x${now.height} instead of ${then.width}x${then.height}`}.\n`
    + `  was      ${file.pathname}\n  is       ${is.pathname}\n${same ? `  differs  ${differs.pathname}\n` : ""}  If it is meant to: FALAJ_WRITE_SHOTS=1 node run.mjs shots, and look at what it writes.`);
}
