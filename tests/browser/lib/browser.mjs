// Debian's Chromium, and somebody who sits before it.
//
// Whoever visits sees to it by themselves, on every page, that nothing is said in the console, that no policy is broken, and that nothing is
// asked of anybody but the bus: `leave` fails with all that went wrong.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";
import { PATIENCE_MS, KEYS } from "./town.mjs";
import { plain, text } from "./texts.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740, isMobile: true, hasTouch: true };

let chromium = null;
/** The browser; one for all who visit. */
export async function browser() {
  chromium ??= await puppeteer.launch({
    executablePath: process.env.FALAJ_CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      // Root has no sandbox to go into; anybody else keeps it.
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-lcd-text", "--font-render-hinting=none", "--force-color-profile=srgb",
      "--disable-background-networking", "--disable-component-update", "--no-first-run", "--lang=en-GB",
    ],
  });
  return chromium;
}

export async function close() {
  await chromium?.close();
  chromium = null;
}

export class Visitor {
  /** Somebody new: no cookies, this language, light and size. */
  static async comes(town, { lang = "en", theme = "light", size = DESKTOP } = {}) {
    const visitor = new Visitor();
    Object.assign(visitor, { town, lang, faults: [], expected: [], asked: new Set() });
    visitor.context = await (await browser()).createBrowserContext();
    await visitor.context.overridePermissions(town.base, ["clipboard-read", "clipboard-sanitized-write"]);
    const cookie = (name, value) => ({ name, value, url: `${town.base}/dashboard` });
    const page = await visitor.context.newPage();
    await page.setCookie(cookie("falaj_lang", lang), cookie("falaj_theme", theme));
    await visitor.takes(page, size);
    return visitor;
  }

  async takes(page, size) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    if (process.env.FALAJ_BROWSER_ASSETS) await this.borrows(page);
    await page.setViewport({ deviceScaleFactor: 1, ...size });
    await page.emulateTimezone("Asia/Qatar");
    page.on("console", (message) => {
      if (!["error", "warn"].includes(message.type())) return;
      // A borrowed style names its fonts otherwise than the page that preloads them.
      if (process.env.FALAJ_BROWSER_ASSETS && message.text().includes("preloaded")) return;
      const said = `${message.text()} ${message.location()?.url ?? ""}`;
      if (!this.expected.some((one) => one.test(said))) this.faults.push(`console: ${said}`);
    });
    page.on("pageerror", (error) => this.faults.push(`script: ${error.stack ?? error}`));
    for (const over of ["requestfinished", "requestfailed"]) page.on(over, (request) => this.asked.delete(request.url()));
    page.on("request", (request) => {
      const url = request.url();
      this.asked.add(url);
      if (!url.startsWith(`${this.town.base}/`) && !/^(data|about|blob):/.test(url)) this.faults.push(`request to elsewhere: ${url}`);
    });
    await page.evaluateOnNewDocument(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
    });
  }

  /** Style and script as they stand in the sources, not as they are built in: for quick work on them. */
  async borrows(page) {
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      const asset = /\/assets\/(?:[0-9a-f]+\.)?((dashboard|arabic|latin)[^?]*)$/.exec(request.url())?.[1];
      if (!asset) return request.continue();
      const kind = { css: "text/css", js: "text/javascript" }[asset.split(".").at(-1)] ?? "font/woff2";
      const file = asset.startsWith("dashboard") ? asset : `falaj-sans-${asset}`;
      return request.respond({ contentType: kind, body: readFileSync(new URL(`../../../src/dashboard/assets/${file}`, import.meta.url)) });
    });
  }

  /** What the console may say from now on: that an answer was this refusal. */
  expects(...expected) {
    this.expected.push(...expected);
  }

  t(key, values) {
    return text(this.lang, key, values);
  }

  /** The name of something in the reader's language. */
  name(named) {
    return named[this.lang];
  }

  async opens(path) {
    const response = await this.page.goto(this.town.base + path, { waitUntil: "load" });
    return response;
  }

  async signsIn(who) {
    await this.opens("/dashboard/sign-in");
    await this.page.type("#key", KEYS[who].key);
    await this.goes(() => this.page.keyboard.press("Enter"));
    assert.equal(new URL(this.page.url()).pathname, "/dashboard", await this.reads());
    return this;
  }

  /** Does something that leads to another page, and waits for it. */
  async goes(act) {
    const from = this.page.url();
    await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), act()]).catch(async (fault) => {
      const now = await this.page.evaluate(() => `${document.readyState} for ${Math.round(performance.now())} ms, html.${document.documentElement.className}, focus in ${document.activeElement?.outerHTML.slice(0, 120)}`).catch(String);
      throw new Error(`${fault.message}: from ${from} to ${this.page.url()} (${now}), under way: ${[...this.asked].join(" ") || "nothing"}`, { cause: fault });
    });
  }

  /** All text of the page, or of a part of it, as it is read. */
  async reads(selector = "body") {
    return plain(await this.page.$eval(selector, (part) => part.innerText));
  }

  async sees(...texts) {
    const all = await this.reads();
    for (const one of texts) assert.ok(all.includes(plain(one)), `the page ${this.page.url()} does not say ${JSON.stringify(plain(one))}: ${all}`);
  }

  async misses(...texts) {
    const all = await this.reads();
    for (const one of texts) assert.ok(!all.includes(plain(one)), `the page ${this.page.url()} says ${JSON.stringify(one)}`);
  }

  /** Waits until the page, or a part of it, says something, without loading it anew. */
  async awaits(said, selector = "body") {
    const wanted = plain(said);
    await this.page.waitForFunction((selector, wanted) => {
      const part = document.querySelector(selector);
      return part && part.innerText.replace(/[\u2066-\u2069\u200e\u200f\u061c]/g, "").replace(/\s+/g, " ").includes(wanted);
    }, { polling: 100 }, selector, wanted).catch(async (fault) => { throw new Error(`${this.page.url()} never said ${JSON.stringify(wanted)} in ${selector}: ${fault.message}; it says: ${await this.reads().catch(() => "?")}`); });
  }

  /** The link or button with these words, within a part of the page. */
  async finds(words, within = "body") {
    const wanted = plain(words);
    const handle = await this.page.evaluateHandle((within, wanted) => {
      const plain = (text) => text.replace(/[\u2066-\u2069\u200e\u200f\u061c]/g, "").replace(/\s+/g, " ").trim();
      for (const part of document.querySelectorAll(within)) {
        for (const one of part.querySelectorAll("a[href], button, summary")) if (plain(one.innerText) === wanted && one.checkVisibility()) return one;
      }
      return null;
    }, within, wanted);
    assert.ok(handle.asElement(), `${this.page.url()} has no link or button ${JSON.stringify(wanted)} in ${within}: ${await this.reads()}`);
    return handle.asElement();
  }

  /** Clicks it, which leads to another page. */
  async follows(words, within) {
    await this.goes(() => this.clicks(words, within));
  }

  /** Clicks it; once more where it was replaced by a newer one before the mouse was there. */
  async clicks(words, within) {
    for (let tries = 3; ; tries -= 1) {
      const target = await this.finds(words, within);
      try {
        await target.click();
        return;
      } catch (fault) {
        if (tries === 1 || !/detached|not clickable/.test(fault.message)) throw fault;
      }
    }
  }

  /** Fills in a reason and sends the form whose button says this. */
  async says(reason, button) {
    await this.page.type("#reason", reason);
    await this.follows(button, "main form.stack");
  }

  /** Fails with what axe finds that is serious or critical, in the words of axe. */
  async isAccessible() {
    await this.page.evaluate(AXE);
    const violations = await this.page.evaluate(async () => {
      const { violations } = await axe.run(document, { resultTypes: ["violations"] });
      return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => `${one.impact} ${one.id}: ${one.help}\n${one.nodes.slice(0, 4).map((node) => `    ${node.html.slice(0, 160)}\n      ${node.any.concat(node.all).map((check) => check.message).join("; ")}`).join("\n")}`);
    });
    assert.deepEqual(violations, [], `${this.page.url()}:\n${violations.join("\n")}`);
  }

  /** Fails where the page is wider than what shows it. */
  async fits() {
    const { wide, out } = await this.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const out = [...document.querySelectorAll("body *")].filter((one) => {
        const box = one.getBoundingClientRect();
        // What scrolls within itself, is clipped or waits off the screen for the focus may be wider.
        return box.width > 0 && (box.right > width + 1 || box.left < -1) && !one.closest(".places, .skip, .sr, pre, thead, [hidden], .way") && one.checkVisibility();
      });
      return { wide: document.documentElement.scrollWidth - width, out: out.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) };
    });
    assert.ok(wide <= 0, `${this.page.url()} is ${wide} px wider than the screen: ${out.join("\n")}`);
  }

  async leaves() {
    await this.context.close();
    assert.deepEqual(this.faults, []);
  }
}
