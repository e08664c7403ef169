// The keyboard, and what comes while one looks: nothing jumps while one reads, and nothing is lost that came meanwhile.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Visitor, close } from "./lib/browser.mjs";
import { POISONED, seeded } from "./lib/seed.mjs";
import { AGENCIES, KEYS, until } from "./lib/town.mjs";
import { plain } from "./lib/texts.mjs";

let town;
before(async () => { town = await seeded(); });
after(async () => {
  await close();
  await town?.tear();
});
const at = (visitor) => new URL(visitor.page.url()).pathname;
const focused = (visitor) => visitor.page.evaluate(() => document.activeElement.closest("tr")?.id ?? document.activeElement.id);

for (const lang of ["en", "ar"]) {
  test(`shortcuts are listed under ? and do what is listed (${lang})`, async () => {
    const v = await Visitor.comes(town, { lang, theme: "dark" });
    await v.signsIn("operator");
    const { page } = v;
    await page.keyboard.press("?");
    const dialog = "dialog#keys[open]";
    await page.waitForSelector(dialog);
    assert.equal(await page.evaluate(() => document.activeElement.closest("dialog")?.id), "keys", "the focus is in it");
    const listed = await page.$$eval(`${dialog} dt`, (all) => all.map((one) => one.innerText.replace(/\s+/g, " ")));
    const places = await page.$$eval(".places a", (all) => all.map((one) => [one.dataset.key, one.getAttribute("href"), one.innerText]));
    for (const [key] of places) assert.ok(listed.includes(`g ${key}`), `${listed}`);
    assert.equal(new Set(places.map(([key]) => key)).size, places.length, "each place has a key of its own");
    for (const key of ["/", "j k", "r", "l", "Esc", "?"]) assert.ok(listed.includes(key), `${key} in ${listed}`);
    await v.isAccessible();
    await v.fits();
    // The focus does not leave it, however often one goes on.
    for (let n = 0; n < 5; n += 1) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => { const { activeElement } = document; return activeElement === document.body || activeElement.closest("dialog") !== null; }));
    }
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.getElementById("keys").open);
    // With the mouse it opens and closes as well.
    await page.click("[data-open=keys]");
    await page.waitForSelector(dialog);
    await (await v.finds(v.t("close"), dialog)).click();
    await page.waitForFunction(() => !document.getElementById("keys").open);

    // After `g` each place shows its key for as long as one needs, and Esc is the way back.
    const shown = () => page.$$eval(".places a", (all) => all.map((one) => getComputedStyle(one, "::after").content).filter((content) => content !== "none"));
    await page.keyboard.press("g");
    assert.deepEqual((await shown()).map((content) => content.split('"')[1]), places.map(([key]) => key));
    await v.isAccessible();
    await v.fits();
    await page.keyboard.press("Escape");
    assert.deepEqual(await shown(), []);
    for (const [key, href] of places) {
      await page.keyboard.press("g");
      await v.goes(() => page.keyboard.press(key));
      assert.equal(at(v), href);
      // A field that takes the focus by itself does so with the first frame, which may come after the page was loaded.
      await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
      await page.evaluate(() => document.activeElement.blur());
    }
    await v.opens("/dashboard");
    await page.keyboard.press("/");
    assert.equal(await focused(v), "q");
    // While one types, a letter is a letter.
    await page.keyboard.type("jkrl?g");
    assert.equal(await page.$eval("#q", (field) => field.value), "jkrl?g");
    assert.equal(await page.$(dialog), null);
    await page.evaluate(() => document.activeElement.blur());
    const rows = await page.$$eval("[data-rows] tr", (all) => all.map((row) => row.id));
    for (const [key, id] of [["j", rows[0]], ["j", rows[1]], ["k", rows[0]], ["k", rows[0]]]) {
      await page.keyboard.press(key);
      assert.equal(await focused(v), id);
    }
    await v.goes(() => page.keyboard.press("r"));
    assert.equal(at(v), "/dashboard");
    await v.goes(() => page.keyboard.press("l"));
    assert.notEqual(await page.evaluate(() => document.documentElement.lang), lang);
    await v.goes(() => page.keyboard.press("l"));
    // Esc closes a menu and leaves the focus where the menu was opened.
    const menu = await v.finds(v.t("theme"));
    await menu.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement.closest("details.menu[open]") !== null));
    await page.keyboard.press("Escape");
    assert.ok(await menu.evaluate((one) => document.activeElement === one && !one.parentElement.open));
    await v.leaves();
  });
}

test("an Arabic keyboard reaches the same keys by their place, and single keys can be switched off", async () => {
  const v = await Visitor.comes(town, { lang: "ar" });
  await v.signsIn("operator");
  const { page } = v;
  const types = (key, code, shift = false) => page.evaluate((key, code, shift) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, shiftKey: shift, bubbles: true, cancelable: true })), key, code, shift);
  await types("ل", "KeyG");
  await v.goes(() => types("لا", "KeyB"));
  assert.equal(at(v), "/dashboard/blocked");
  await types("؟", "Slash", true);
  await page.waitForSelector("dialog#keys[open]");
  await page.click("#keys-on");
  await page.keyboard.press("Escape");
  await v.opens("/dashboard");
  await page.keyboard.press("j");
  assert.equal(await focused(v), "");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog#keys[open]");
  assert.equal(await page.$eval("#keys-on", (box) => box.checked), false, "it is remembered");
  await page.click("#keys-on");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.ok((await focused(v)).startsWith("a-"));
  await v.leaves();
});

test("figures change under one's eyes, and neither focus, selection, scrolling nor order is taken away", async () => {
  const v = await Visitor.comes(town, { size: { width: 1000, height: 420 } });
  await v.signsIn("operator");
  const { page } = v;
  const ready = (id) => page.$eval(`#a-${id} [data-l="${v.t("col-ready")}"]`, (cell) => cell.innerText);
  const order = () => page.$$eval("[data-rows] tr", (all) => all.map((row) => row.id));
  const before_ = await order();
  // One reads further down, with the focus on an action of one row, and something marked in another.
  await page.focus("#a-utilities .acts a");
  await page.evaluate(() => {
    document.querySelector("#a-moph").scrollIntoView({ block: "start" });
    getSelection().selectAllChildren(document.querySelector("#a-csb th b"));
  });
  const top = await page.evaluate(() => document.querySelector("#a-moph").getBoundingClientRect().top);
  const was = await ready("utilities");
  const link = await page.evaluateHandle(() => document.activeElement);
  for (let n = 0; n < 3; n += 1) await town.post(`2840000090${n}`);
  await v.awaits(String(Number(was) + 3), "#a-utilities");
  // What comes also changes the state: Labour answers at last, and is through.
  town.desks.mol.release();
  await v.page.waitForFunction((label) => document.querySelector(`#a-mol [data-l="${label}"]`).innerText === "·", { polling: 100 }, v.t("col-ready"));
  assert.deepEqual(await order(), before_, "no row moves by itself");
  assert.ok(await link.evaluate((one) => one.isConnected && document.activeElement === one), "the focus is where it was");
  assert.equal(plain(await page.evaluate(() => getSelection().toString())), AGENCIES.csb.en, "what was marked still is");
  const now = await page.evaluate(() => document.querySelector("#a-moph").getBoundingClientRect().top);
  assert.ok(Math.abs(now - top) <= 1, `what one reads stands still: ${top} and ${now}`);
  // The order has changed, is said to have, and is put right when one asks.
  await page.waitForFunction(() => !document.getElementById("moved").hidden, { polling: 100 });
  await (await v.finds(v.t("moved-again"), "#moved")).click();
  const sorted = await order();
  assert.notDeepEqual(sorted, before_);
  assert.deepEqual([...sorted].sort(), [...before_].sort());
  assert.ok(await page.$eval("#moved", (hint) => hint.hidden));
  await v.leaves();
});

test("what changed while one had the focus in it comes when one leaves it", async () => {
  const v = await Visitor.comes(town);
  await v.signsIn("operator");
  const { page } = v;
  const envelope = town.known.envelopes[9];
  const { id } = await town.stands(envelope, "csb", "paused");
  await v.opens(`/dashboard/envelopes/${envelope}`);
  const card = `#d-${id}`;
  await page.focus(`${card} .acts a`);
  await town.call("operator", "POST", `/v1/deliveries/${id}/cancel`, { reason: "from elsewhere" });
  // Another card's change has come by then, with it this one's.
  const other = await town.stands(envelope, "utilities", "window");
  await town.call("operator", "POST", `/v1/deliveries/${other.id}/cancel`, { reason: "from elsewhere" });
  await v.awaits(v.t("is-cancelled"), `#d-${other.id}`);
  assert.ok(await page.$eval(card, (one) => one.contains(document.activeElement)), "it is not taken from under one's hand");
  await page.evaluate(() => document.activeElement.blur());
  await v.awaits(v.t("is-cancelled"), card);
  await v.leaves();
});

test("what one opened stays open, and a list begins and ends while one looks", async () => {
  const v = await Visitor.comes(town);
  await v.signsIn("operator");
  const { page } = v;
  const envelope = town.known.alsoPoisoned;
  const { id } = await town.stands(envelope, "moph", "parked");
  await v.opens(`/dashboard/envelopes/${envelope}`);
  await page.click(`#d-${id}-curl summary`);
  await page.evaluate(() => document.activeElement.blur());
  const blocked = await Visitor.comes(town);
  await blocked.signsIn("viewer");
  await blocked.opens("/dashboard/blocked?agency=moph");
  assert.equal((await blocked.page.$$("[data-rows] tr")).length, 2);
  await town.call("operator", "POST", `/v1/deliveries/${id}/release`, { reason: "from elsewhere" });
  await v.awaits(v.t("is-dead"), `#d-${id}`);
  assert.ok(await page.$eval(`#d-${id}-curl`, (details) => details.open), "it is as one left it");
  assert.ok(await page.$(`#d-${id}-curl button.copy`), "and can still be copied");
  const first = await town.stands(town.known.poisoned, "moph", "parked");
  await town.call("operator", "POST", `/v1/deliveries/${first.id}/release`, { reason: "from elsewhere" });
  await blocked.awaits(blocked.t("blocked-empty"));
  await blocked.leaves();
  await v.leaves();
});

test("a tab that nobody sees asks for nothing, and a session that ends says so", async () => {
  const v = await Visitor.comes(town);
  await v.signsIn("viewer");
  const { page } = v;
  const streams = [];
  page.on("request", (request) => { if (request.url().includes("/dashboard/live")) streams.push(request); });
  await v.opens("/dashboard");
  await until("the page follows", () => streams.length === 1);
  // Its key is taken away: whoever looks is told, and led to sign in again.
  const config = `${town.root}/falaj.toml`;
  const { readFile, writeFile } = await import("node:fs/promises");
  const keys = await readFile(config, "utf8");
  await writeFile(config, keys.replace(/\[\[auth\.keys\]\]\nname = "viewer"[\s\S]*?\n\n/, ""));
  await page.waitForFunction(() => !document.getElementById("over").hidden, { polling: 100 });
  await v.sees(v.t("session-over-detail"));
  await v.follows(v.t("sign-in"), "#over");
  await v.sees(v.t("session-over-detail"), v.t("key"));
  await writeFile(config, keys);
  await until("the key opens again", async () => (await fetch(`${town.base}/v1/agencies`, { headers: { authorization: `Bearer ${KEYS.viewer.key}` } })).ok);
  await v.leaves();
});

test("a line that is lost is said to be, and what was missed comes with it", async () => {
  const v = await Visitor.comes(town);
  await v.signsIn("operator");
  v.expects(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_FAILED|ERR_NETWORK/);
  const { page } = v;
  const was = Number(await page.$eval("#a-moj .num:nth-child(4)", (cell) => cell.innerText));
  // Chromium keeps a stream that is open where a device goes off the net, so it goes out and comes back first.
  await page.setOfflineMode(true);
  await page.evaluate(() => { Object.defineProperty(document, "hidden", { configurable: true, value: true }); document.dispatchEvent(new Event("visibilitychange")); });
  await page.evaluate(() => { Object.defineProperty(document, "hidden", { configurable: true, value: false }); document.dispatchEvent(new Event("visibilitychange")); });
  await page.waitForFunction(() => !document.getElementById("lost").hidden, { polling: 100 });
  await v.sees(v.t("lost"));
  await town.post(POISONED);
  await page.setOfflineMode(false);
  await v.awaits(String(was + 1), "#a-moj");
  await page.waitForFunction(() => document.getElementById("lost").hidden, { polling: 100 });
  await v.leaves();
});
