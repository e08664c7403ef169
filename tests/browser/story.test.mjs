// The story: on one morning one agency is down, one message is poisoned, and one agency is slow. Somebody who knows nothing but the pages
// finds what is wrong, understands it, and repairs it; in Arabic and in English.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Visitor, close } from "./lib/browser.mjs";
import { seeded } from "./lib/seed.mjs";
import { AGENCIES, KEYS } from "./lib/town.mjs";
import { number } from "./lib/texts.mjs";

let town;
before(async () => { town = await seeded(); });
after(async () => {
  await close();
  await town?.tear();
});

/** What a figure of the overview says. */
const figure = (v, agency, column) => v.page.$eval(`#a-${agency} [data-l="${v.t(column)}"]`, (cell) => cell.innerText.trim());
const path = (v) => new URL(v.page.url()).pathname;

test("what is down is found from the first page, and repairs itself once the agency is back (ar)", async () => {
  const v = await Visitor.comes(town, { lang: "ar", theme: "dark" });
  await v.signsIn("operator");
  // Not answering is the first thing at the head of every page, and leads to who it is.
  await v.follows(`${number("ar", 1)} ${v.t("state-circuit-open")}`, ".glance");
  await v.sees(v.name(AGENCIES.municipality), v.t("total-agencies", { n: 1 }));
  const why = await v.reads("#a-municipality .why");
  assert.ok(why.includes("لا تستجيب منذ"), why);
  // Its deliveries say the same, each for itself, and that they lose nothing by it.
  await v.goes(() => v.page.click(`#a-municipality [data-l="${v.t("col-ready")}"] a`));
  await v.follows(v.name({ en: "Address changed", ar: "تغيير العنوان" }), "[data-rows] tr:first-child");
  const card = await v.page.$$eval(".branch", (all, name) => all.find((one) => one.innerText.includes(name)).innerText, AGENCIES.municipality.ar);
  assert.ok(card.includes("لا تستجيب الجهة منذ") && card.includes("ستُعاد محاولة الاتصال"), card);
  // Somebody calls them; their server comes back. Nobody presses anything.
  await v.opens("/dashboard");
  await town.desks.municipality.open();
  await v.page.waitForFunction(() => [...document.querySelectorAll("#a-municipality .num")].slice(1, 5).every((cell) => cell.innerText.trim() === "·"), { polling: 200 });
  await v.awaits(v.t("state-open"), "#a-municipality");
  for (const envelope of town.known.envelopes) await town.stands(envelope, "municipality", "delivered");
  assert.equal(new Set(town.desks.municipality.seen.map((event) => event.id)).size, 42, "nothing was lost meanwhile");
  await v.leaves();
});

test("what is poisoned is found, understood and let go (en)", async () => {
  const v = await Visitor.comes(town);
  await v.signsIn("operator");
  assert.equal(await figure(v, "moph", "col-parked"), "2");
  await v.sees(v.t("why-parked", { n: 2 }));
  await v.goes(() => v.page.click(`#a-moph [data-l="${v.t("col-parked")}"] a`));
  assert.equal(path(v), "/dashboard/blocked");
  await v.sees(v.t("blocked-total", { n: 2 }), `${v.t("class-message-fault")} (422)`);
  // The head of the lane: what was tried, when, with what answer, and how many wait behind it.
  await v.goes(() => v.page.click(`[data-rows] a[href*="/envelopes/${town.known.poisoned}"]`));
  const { id } = await town.stands(town.known.poisoned, "moph", "parked");
  const card = await v.reads(`#d-${id}`);
  assert.equal(card.split(`${v.t("class-message-fault")} (422)`).length - 1, 3, card);
  assert.ok(card.includes("2 deliveries wait behind it"), card);
  // The ministry corrects its register. One tries it again, and those behind it follow in order.
  const before_ = town.desks.moph.seen.length;
  town.desks.moph.react = () => ({ status: 200 });
  await v.follows(v.t("act-retry"), `#d-${id}`);
  await v.says("the register is corrected", v.t("act-retry"));
  await v.awaits(v.t("is-delivered"), `#d-${id}`);
  await town.queue("moph", (queue) => queue.waiting?.behind !== 2);
  await v.opens("/dashboard/blocked");
  await v.sees(v.t("blocked-total", { n: 1 }));
  // The other one: all that is blocked at once.
  await v.page.select("select[name=agency]", "moph");
  await v.follows(v.t("filter"), "form.filters");
  await v.follows(v.t("blocked-retry-all"));
  await v.says("the register is corrected", v.t("redrive-do"));
  await v.awaits(v.t("job-done"), "#job");
  await v.opens("/dashboard");
  await v.page.waitForFunction(() => [...document.querySelectorAll("#a-moph .num")].slice(0, 7).every((cell) => cell.innerText.trim() === "·"), { polling: 200 });
  const events = town.desks.moph.seen.slice(before_).filter((event) => event.subject.endsWith("03")).map((event) => event.id);
  assert.equal(events[0], "poison-1", "in their order");
  assert.equal(events.length, 3);
  await v.leaves();
});

test("who is slow is seen to be, is held while it is seen to, and goes on (ar)", async () => {
  const v = await Visitor.comes(town, { lang: "ar" });
  await v.signsIn("operator");
  assert.equal(await figure(v, "mol", "col-in-flight"), number("ar", 2));
  await v.goes(() => v.page.click(`#a-mol [data-l="${v.t("col-in-flight")}"] a`));
  assert.equal(path(v), "/dashboard/schedule");
  await v.sees(v.t("schedule-running", { n: 2 }), v.t("is-in-flight"), v.name(AGENCIES.mol));
  await v.opens("/dashboard");
  await v.follows(v.t("pause-do"), "#a-mol");
  await v.says("تجري مراجعة الخادم", v.t("pause-do"));
  await v.awaits("تجري مراجعة الخادم", "#a-mol");
  town.desks.mol.release();
  // What was under way is finished, and nothing more is sent.
  await v.page.waitForFunction((label) => document.querySelector(`#a-mol [data-l="${label}"]`).innerText.trim() === "·", { polling: 200 }, v.t("col-in-flight"));
  const seen = town.desks.mol.seen.length;
  await v.follows(v.t("resume-do"), "#a-mol");
  assert.equal(town.desks.mol.seen.length, seen);
  await v.says("عاد الخادم إلى العمل", v.t("resume-do"));
  await v.page.waitForFunction(() => [...document.querySelectorAll("#a-mol .num")].slice(0, 7).every((cell) => cell.innerText.trim() === "·"), { polling: 200 });
  await v.leaves();
});

test("what was given up is led again, and what nobody wants is left (en)", async () => {
  const v = await Visitor.comes(town, { theme: "dark" });
  await v.signsIn("operator");
  assert.equal(await figure(v, "qpost", "col-dead"), "15");
  await v.goes(() => v.page.click(`#a-qpost [data-l="${v.t("col-dead")}"] a`));
  await v.sees("message refused (400)", "message refused (422)");
  town.desks.qpost.react = () => ({ status: 200 });
  const row = await v.page.$$eval("[data-rows] tr", (rows) => rows.findIndex((one) => one.innerText.includes("400")));
  await v.follows(v.t("act-redrive"), `[data-rows] tr:nth-child(${row + 1})`);
  await v.says("the register of streets is new", v.t("redrive-do"));
  await v.awaits(v.t("job-done"), "#job");
  await v.sees("14");
  await v.opens("/dashboard");
  await v.page.waitForFunction((label) => document.querySelector(`#a-qpost [data-l="${label}"]`).innerText.trim() === "1", { polling: 200 }, v.t("col-dead"));
  await v.leaves();
});

test("who comes later reads what was done, by whom and why (ar)", async () => {
  const v = await Visitor.comes(town, { lang: "ar" });
  await v.signsIn("auditor");
  await v.follows(v.t("nav-audit"), ".places");
  await v.sees(KEYS.operator.name, "the register is corrected", "تجري مراجعة الخادم", "عاد الخادم إلى العمل", "the register of streets is new");
  await v.leaves();
});
