// Every screen, in both languages: what it says, how it is built, whether anybody can use it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, PHONE, Visitor, close } from "./lib/browser.mjs";
import { screens } from "./lib/screens.mjs";
import { seeded } from "./lib/seed.mjs";
import { plain } from "./lib/texts.mjs";

let town, list;
const visitors = new Map();
before(async () => {
  town = await seeded();
  list = await screens(town);
});
after(async () => {
  await close();
  await town?.tear();
});

/** Somebody before a screen; the same person for all that they look at. */
async function before_(screen, lang) {
  const key = `${lang} ${screen.who}`;
  if (!visitors.has(key)) {
    const visitor = await Visitor.comes(town, { lang, theme: lang === "en" ? "light" : "dark" });
    visitors.set(key, visitor);
    if (screen.who) await visitor.signsIn(screen.who);
    // A page of a refusal is one all the same.
    visitor.expects(/status of 40[34]/);
  }
  return visitors.get(key);
}

for (const lang of ["en", "ar"]) {
  test(`screens say what is so, and anybody can use them (${lang})`, async (t) => {
    for (const screen of list) {
      await t.test(screen.name, async () => {
        const visitor = await before_(screen, lang);
        const { page } = visitor;
        await page.setViewport({ deviceScaleFactor: 1, ...DESKTOP });
        const response = await visitor.opens(screen.path);
        assert.equal(response.status(), screen.status ?? 200);
        const root = await page.evaluate(() => ({ lang: document.documentElement.lang, dir: document.documentElement.dir, title: document.title, charset: document.characterSet }));
        assert.deepEqual([root.lang, root.dir, root.charset], [lang, lang === "ar" ? "rtl" : "ltr", "UTF-8"]);
        assert.ok(plain(root.title).endsWith(` · ${visitor.t("name")}`), root.title);
        await visitor.sees(...screen.facts(visitor));
        if (screen.not) await visitor.misses(...screen.not(visitor));
        await visitor.isAccessible();
        await visitor.fits();
        await usableByKeyboard(visitor);
        await page.setViewport({ deviceScaleFactor: 1, ...PHONE, isMobile: false, hasTouch: false });
        await visitor.fits();
      });
    }
  });
}

test("nobody's console said anything, and nothing was asked of anybody else", async () => {
  assert.ok(visitors.size > 4);
  for (const visitor of visitors.values()) await visitor.leaves();
});

/** Tab reaches everything in the order of reading, each is seen to have the focus, and the first leads past the head. */
async function usableByKeyboard(visitor) {
  const { page } = visitor;
  const walk = await page.evaluate(() => {
    const can = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
    const all = [...document.querySelectorAll(can)].filter((one) => one.checkVisibility() && !one.closest("dialog:not([open])") && one.tabIndex >= 0);
    const unseen = [], wrong = [];
    let last = null;
    for (const one of all) {
      one.focus({ focusVisible: true });
      if (document.activeElement !== one) unseen.push(`takes no focus: ${one.outerHTML.slice(0, 100)}`);
      const style = getComputedStyle(one);
      if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) unseen.push(`no outline: ${one.outerHTML.slice(0, 100)}`);
      const name = one.innerText?.trim() || one.getAttribute("aria-label") || one.labels?.length || one.title;
      if (!name && one.tagName !== "DIV") wrong.push(`no name: ${one.outerHTML.slice(0, 100)}`);
      if (one.tabIndex > 0) wrong.push(`out of order: ${one.outerHTML.slice(0, 100)}`);
      last = one;
    }
    if (last) last.blur();
    return { count: all.length, unseen, wrong, first: all[0]?.className };
  });
  assert.deepEqual([walk.unseen, walk.wrong], [[], []], page.url());
  assert.equal(walk.first, "skip", "the first stop leads to the content");
  // The skip link itself: seen when it has the focus, and it moves it into the content.
  await page.evaluate(() => { document.querySelector(".skip").focus(); });
  const box = await page.$eval(".skip", (link) => { const { left, top, right, bottom } = link.getBoundingClientRect(); return { left, top, right, bottom }; });
  assert.ok(box.left >= 0 && box.top >= 0 && box.right <= DESKTOP.width && box.bottom > box.top, JSON.stringify(box));
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
}
