// Every action that a page offers, done by a person, in both languages: what it asks, what it does, and what is recorded of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Visitor, close } from "./lib/browser.mjs";
import { ALSO_POISONED, CASE, DEAD, POISONED, seeded } from "./lib/seed.mjs";
import { AGENCIES, KEYS, TYPES, until } from "./lib/town.mjs";
import { number } from "./lib/texts.mjs";

let town;
before(async () => { town = await seeded(); });
after(async () => {
  await close();
  await town?.tear();
});

/** What was recorded last of an action on something. */
const recorded = async (action, target) =>
  (await town.call("auditor", "GET", "/v1/audit?limit=100")).entries.find((entry) => entry.action === action && entry.target === target);
const where = (visitor) => new URL(visitor.page.url());

for (const lang of ["en", "ar"]) {
  const in_ = (name, run) => test(`${name} (${lang})`, run);
  /** The language's share of what there is only so much of. */
  const mine = (all) => all[lang === "en" ? 0 : 1];
  const visits = async (who, run, wishes = {}) => {
    const visitor = await Visitor.comes(town, { lang, ...wishes });
    if (who) await visitor.signsIn(who);
    await run(visitor, visitor.page);
    await visitor.leaves();
  };

  in_("a wrong key opens nothing, the right one leads on, and signing out is for good", () => visits(null, async (v, page) => {
    v.expects(/status of 401/);
    await v.opens("/dashboard/find?sender=hukoomi");
    assert.equal(where(v).pathname, "/dashboard/sign-in");
    await page.type("#key", "no key of this bus at all");
    await v.goes(() => page.keyboard.press("Enter"));
    await v.sees(v.t("sign-in-wrong"));
    await page.waitForFunction(() => document.activeElement.id === "key", { polling: 50 });
    assert.equal(await page.$eval("#key", (field) => `${field.value}${field.type}`), "password");
    await page.type("#key", KEYS.operator.key);
    await v.goes(() => page.keyboard.press("Enter"));
    assert.equal(where(v).pathname + where(v).search, "/dashboard/find?sender=hukoomi", "back to where one wanted to be");
    await (await v.finds(KEYS.operator.name)).click();
    await v.follows(v.t("sign-out"));
    await v.sees(v.t("sign-in-out"));
    await page.goBack();
    // What was seen is not kept for whoever comes next.
    await until("one is asked to sign in again", () => where(v).pathname === "/dashboard/sign-in");
  }));

  in_("an agency is paused, drained and resumed for a reason", () => visits("operator", async (v, page) => {
    // Nothing waits for the Interior any more; outside its hours, much waits for the utilities.
    const acts = [["pause", "moi", "paused"], ["resume", "moi", "open"], ["drain", "moi", "drained"], ["resume", "moi", "open"], ["drain", "utilities", "draining"], ["resume", "utilities", "window"]];
    for (const [act, agency, state] of acts) {
      await v.opens("/dashboard");
      await v.follows(v.t(`${act}-do`), `#a-${agency}`);
      await v.sees(v.t(`${act}-title`, { what: v.name(AGENCIES[agency]) }));
      // One can write at once.
      await page.waitForFunction(() => document.activeElement.id === "reason", { polling: 50 });
      // Without a reason the browser does not even send it.
      await (await v.finds(v.t(`${act}-do`), "main form.stack")).click();
      assert.ok(await page.$eval("#reason", (field) => field.validity.valueMissing));
      await v.says(`${act} ${lang}`, v.t(`${act}-do`));
      assert.equal(where(v).pathname, "/dashboard");
      await v.awaits(v.t(`state-${state}`), `#a-${agency}`);
      if (act !== "resume") await v.awaits(`${act} ${lang}`, `#a-${agency}`);
      const entry = await recorded(act, agency);
      assert.deepEqual([entry.actor, entry.reason], [KEYS.operator.name, `${act} ${lang}`]);
    }
  }));

  in_("a service is tried with its sample, and the sample sent by whoever may", () => visits("portal", async (v) => {
    await v.opens(`/dashboard/services/${TYPES.born.id}/trial`);
    await v.sees(v.name(AGENCIES.moph), v.t("trial-real"));
    await v.says(`trial ${lang}`, v.t("trial-send"));
    const [, envelope] = /^\/dashboard\/envelopes\/([0-9a-f-]{36})$/.exec(where(v).pathname) ?? [];
    assert.ok(envelope, "on to what became of it");
    await v.sees(v.name(TYPES.born));
    assert.equal((await recorded("test_envelope", envelope)).reason, `trial ${lang}`);
  }));

  in_("an action that is left alone does nothing", () => visits("operator", async (v) => {
    await v.opens("/dashboard/agencies/moph/pause");
    await v.follows(v.t("leave-it"));
    assert.equal(where(v).pathname, "/dashboard");
    assert.equal((await town.queue("moph")).state, "open");
  }));

  in_("a delivery is retried, skipped, cancelled and released for a reason", () => visits("operator", async (v) => {
    const first = lang === "en" ? 8 : 11;
    for (const [at, act] of ["retry", "skip", "cancel"].entries()) {
      const envelope = town.known.envelopes[first + at];
      const { id } = await town.stands(envelope, "municipality", "retry", "circuit_open", "queued");
      await v.opens(`/dashboard/envelopes/${envelope}#d-${id}`);
      if (act === "retry" && !(await v.reads(`#d-${id}`)).includes(v.t("act-retry"))) await town.stands(envelope, "municipality", "retry");
      await v.follows(v.t(`act-${act}`), `#d-${id}`);
      await v.sees(v.t(`delivery-${act}-title`), v.t(`delivery-${act}-about`), v.name(AGENCIES.municipality));
      await v.says(`${act} ${lang}`, v.t(`act-${act}`));
      assert.equal(where(v).pathname, `/dashboard/envelopes/${envelope}`, "back to the envelope");
      const is = { skip: "skipped", cancel: "cancelled" }[act];
      if (is) await v.awaits(v.t(`is-${is}`), `#d-${id}`);
      const entry = await recorded(act, id);
      assert.deepEqual([entry.actor, entry.reason], [KEYS.operator.name, `${act} ${lang}`]);
    }
    // What blocks a lane is let go from the page of what is blocked.
    const envelope = mine([town.known.poisoned, town.known.alsoPoisoned]);
    const { id } = await town.stands(envelope, "moph", "parked");
    await v.opens("/dashboard/blocked?agency=moph");
    const row = await v.page.$eval(`a[href*="${id}/release"]`, (link) => link.closest("tr").id);
    await v.follows(v.t("act-release"), `[id="${row}"]`);
    await v.sees(v.t("delivery-release-about"));
    await v.says(`release ${lang}`, v.t("act-release"));
    assert.equal(where(v).pathname, "/dashboard/blocked");
    assert.equal((await recorded("release", id)).reason, `release ${lang}`);
    await town.stands(envelope, "moph", "dead");
    // Once more is one too many, and is said before anything is sent.
    await v.opens(`/dashboard/deliveries/${id}/release`);
    await v.sees(v.t("delivery-not-now"));
  }));

  in_("a redrive is tried dry, begun, paused, taken up again and ended", () => visits("operator", async (v, page) => {
    const { groups } = await town.call("operator", "GET", "/v1/dead-letters?groups=true&agency=qpost");
    const group = groups.find((one) => one.status === 400);
    const letters = group.dead;
    assert.ok(letters <= DEAD[400] && letters > 6, `${letters}`);
    await v.opens("/dashboard/dead-letters?agency=qpost");
    const row = await page.$$eval("[data-rows] tr", (rows) => rows.findIndex((one) => /400|٤٠٠/.test(one.innerText)));
    await v.follows(v.t("act-redrive"), `[data-rows] tr:nth-child(${row + 1})`);
    await v.sees(v.t("redrive-title", { what: v.name(AGENCIES.qpost) }), number(lang, letters), v.t("redrive-would", { n: letters }));
    const jobs = async () => (await town.call("operator", "GET", "/v1/redrives")).redrives;
    const before_ = (await jobs()).length;
    assert.equal(before_, mine([1, 2]), "to look is to change nothing");
    await page.type("#rate", "1");
    await v.says(`begin ${lang}`, v.t("redrive-do"));
    const job = where(v).pathname.split("/").at(-1);
    assert.equal((await recorded("redrive", job)).reason, `begin ${lang}`);
    await v.sees(v.t("job-running"), `begin ${lang}`);
    // It goes on while one looks.
    await page.waitForFunction(() => [...document.querySelectorAll("[data-rows] tr")].some((row) => row.checkVisibility()), { polling: 100 });
    await v.follows(v.t("job-do-pause"), "#job");
    await v.says(`pause ${lang}`, v.t("job-do-pause"));
    await v.awaits(v.t("job-paused"), "#job");
    await v.follows(v.t("job-do-resume"), "#job");
    await v.says(`go on ${lang}`, v.t("job-do-resume"));
    await v.awaits(v.t("job-running"), "#job");
    await v.follows(v.t("job-do-cancel"), "#job");
    await v.says(`end ${lang}`, v.t("job-do-cancel"));
    await v.awaits(v.t("job-cancelled"), "#job");
    assert.equal(await page.$(`#job a[href$="/cancel"]`), null, "what has ended is not ended again");
    const ended = (await jobs()).find((one) => one.id === job);
    assert.equal(ended.state, "cancelled");
    assert.ok(ended.made > 0 && ended.made < letters, `${ended.made} of ${letters}`);
  }));

  in_("chosen dead letters alone are redriven", () => visits("operator", async (v, page) => {
    await v.opens("/dashboard/dead-letters?agency=qpost");
    await v.goes(() => page.evaluate(() => [...document.querySelectorAll("[data-rows] th a")].find((link) => link.innerText.match(/422|٤٢٢/)).click()));
    await page.click("input[name=ids]");
    await v.follows(v.t("dead-redrive-chosen"));
    await v.sees(v.t("redrive-would", { n: 1 }), v.t("redrive-force"));
  }));

  in_("a payload is shown for a reason and recorded", () => visits("admin", async (v, page) => {
    const envelope = mine([town.known.poisoned, town.known.alsoPoisoned]);
    const subject = mine([POISONED, ALSO_POISONED]);
    await v.opens(`/dashboard/envelopes/${envelope}`);
    await v.follows(v.t("payload-show"));
    await v.misses(subject);
    await v.says(`the citizen asked ${lang}`, v.t("payload-show"));
    await v.sees(v.t("payload-recorded"), subject, "شارع الكورنيش", v.t("payload-whole"));
    await v.isAccessible();
    await v.fits();
    const entry = await recorded("payload", envelope);
    assert.deepEqual([entry.actor, entry.reason], ["admin", `the citizen asked ${lang}`]);
    await v.follows(v.t("payload-hide"));
    await v.misses("شارع الكورنيش");
  }));

  in_("an agency sees of a payload what it gets", () => visits("moph", async (v) => {
    await v.opens(`/dashboard/envelopes/${town.known.born}/payload`);
    await v.says(`we look for it ${lang}`, v.t("payload-show"));
    await v.sees("نورة", v.t("payload-own"));
  }));

  in_("an envelope is found by each of its names, and no address holds a person's", () => visits("operator", async (v, page) => {
    const id = town.known.poisoned;
    const delivery = (await town.status(id)).deliveries.find((one) => one.agency === "moi").id;
    for (const [name, finds] of [
      [id, true], [delivery, true], ["urn:qa:gov:hukoomi poison-1", true], [CASE, false], [POISONED, false], ["nothing of the sort", null],
    ]) {
      await v.opens("/dashboard/find");
      // One can type at once.
      await page.waitForFunction(() => document.activeElement.id === "q", { polling: 50 });
      await page.keyboard.type(name);
      await v.goes(() => page.keyboard.press("Enter"));
      const to = where(v);
      assert.ok(!to.href.includes(POISONED), to.href);
      if (finds === null) await v.sees(v.t("find-nothing"));
      else if (finds) assert.equal(to.pathname, `/dashboard/envelopes/${id}`, name);
      else assert.ok(to.pathname === `/dashboard/envelopes/${id}` || (await page.$(`[data-rows] a[href="/dashboard/envelopes/${id}"]`)), name);
      if (name === POISONED) await v.sees(v.t("find-marked"));
    }
  }));

  in_("envelopes are found by each filter", () => visits("operator", async (v, page) => {
    const rows = async () => page.$$eval("[data-rows] tr", (all) => all.length);
    const filter = async (fields) => {
      await v.opens("/dashboard/find");
      for (const [name, value] of Object.entries(fields)) {
        if (name === "from" || name === "to") await page.$eval(`input[type=datetime-local] + input[name=${name}]`, (field, value) => {
          field.previousElementSibling.value = value;
          field.previousElementSibling.dispatchEvent(new Event("input", { bubbles: true }));
        }, value);
        else await page.select(`form.filters select[name=${name}]`, value);
      }
      await v.follows(v.t("filter"), "form.filters");
      // What was asked for is still chosen.
      for (const [name, value] of Object.entries(fields)) {
        if (name !== "from" && name !== "to") assert.equal(await page.$eval(`select[name=${name}]`, (field) => field.value), value);
        else assert.equal(await page.$eval(`input[name=${name}]`, (field) => field.previousElementSibling.value), value);
      }
      return rows();
    };
    const all = await filter({});
    assert.ok(all >= 43, `${all}`);
    // The one of the situation, and the samples that were sent by now.
    const born = mine([2, 3]);
    assert.equal(await filter({ type: TYPES.born.id }), born);
    assert.equal(await filter({ sender: "hukoomi" }), all);
    assert.equal(await filter({ agency: "moph", type: TYPES.born.id }), born);
    assert.equal(await filter({ agency: "moi", type: TYPES.born.id }), 0);
    await v.sees(v.t("find-empty"));
    assert.equal(await filter({ state: "completed" }), born, "births alone are through");
    assert.equal(await filter({ standing: "delivered", agency: "utilities" }), 0);
    assert.equal(await filter({ to: "2020-01-01T00:00" }), 0);
    assert.equal(await filter({ from: "2020-01-01T00:00", type: TYPES.born.id }), born);
    await v.opens("/dashboard?state=window");
    assert.equal(await rows(), 1);
    await page.type("#q", "no such agency");
    await v.goes(() => page.keyboard.press("Enter"));
    await v.sees(v.t("filter-empty"));
    await v.follows(v.t("filter-all"));
    assert.equal(await rows(), 8);
  }));

  in_("language and light are chosen once and kept", () => visits("viewer", async (v, page) => {
    await v.opens("/dashboard/blocked");
    await v.follows(v.t("other-language"));
    const other = lang === "en" ? "ar" : "en";
    const read = () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir, location.pathname, getComputedStyle(document.body.parentElement).backgroundColor]);
    assert.deepEqual((await read()).slice(0, 3), [other, other === "ar" ? "rtl" : "ltr", "/dashboard/blocked"]);
    await v.opens("/dashboard/find");
    assert.equal((await read())[0], other, "on every page from now on");
    v.lang = other;
    const grounds = new Set();
    for (const theme of ["light", "dark", "auto"]) {
      await (await v.finds(v.t("theme"))).click();
      await v.follows(v.t(`theme-${theme}`), ".menu");
      await v.opens("/dashboard");
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
      grounds.add((await read())[3]);
    }
    assert.equal(grounds.size, 2, "as the device is one of the two");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    const dark = (await read())[3];
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    assert.notEqual((await read())[3], dark, "it follows the device while one looks");
  }));

  in_("calls are copied without a secret", () => visits("operator", async (v, page) => {
    await v.opens(`/dashboard/envelopes/${town.known.poisoned}`);
    for (const [summary, holds] of [["curl-status", `/v1/envelopes/${town.known.poisoned}`], ["curl-delivery", "webhook-signature: v1,<"]]) {
      const opener = await v.finds(v.t(summary), summary === "curl-status" ? "main" : ".branch:has(details[id$=curl])");
      await opener.click();
      const block = await opener.evaluateHandle((one) => one.parentElement.querySelector("[data-copy]"));
      const button = await block.asElement().$("button.copy");
      assert.equal(await button.evaluate((one) => one.innerText), v.t("copy"));
      await button.click();
      await page.waitForFunction((button, said) => button.innerText === said, { polling: 50 }, button, v.t("copied"));
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(copied.startsWith("curl ") && copied.includes(holds) && !copied.includes(v.t("copy")) && !copied.includes("whsec_"), copied);
    }
  }));

  in_("who may not act is offered nothing", () => visits("auditor", async (v, page) => {
    for (const path of ["/dashboard", "/dashboard/blocked", "/dashboard/dead-letters", "/dashboard/redrives", `/dashboard/envelopes/${town.known.poisoned}`]) {
      await v.opens(path);
      const acts = await page.$$eval("main a[href]", (all) => all.map((one) => one.getAttribute("href")).filter((to) => /\/(pause|resume|drain|retry|skip|cancel|release|new)(\?|$)/.test(to)));
      assert.deepEqual(acts, [], path);
    }
  }));
}
