// Nothing at all, and very much: a bus nobody has sent anything to, and one with four hundred agencies of long names.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DESKTOP, PHONE, Visitor, close } from "./lib/browser.mjs";
import { AGENCIES, Town } from "./lib/town.mjs";
import { number } from "./lib/texts.mjs";

after(close);

test("an empty bus says what is missing, in both languages", async (t) => {
  const town = await Town.open({ agencies: {} });
  t.after(() => town.tear());
  await town.start();
  for (const lang of ["en", "ar"]) {
    const v = await Visitor.comes(town, { lang });
    await v.signsIn("operator");
    for (const [path, key] of [
      ["/dashboard", "overview-empty"], ["/dashboard/blocked", "blocked-empty"], ["/dashboard/dead-letters", "dead-empty"], ["/dashboard/redrives", "redrives-empty"],
      ["/dashboard/schedule", "schedule-none"], ["/dashboard/schedule", "schedule-running-none"], ["/dashboard/find", "find-empty"],
    ]) {
      await v.opens(path);
      await v.sees(v.t(key));
      await v.fits();
    }
    await v.opens("/dashboard");
    await v.isAccessible();
    await v.leaves();
  }
});

test("a bus with agencies and nothing waiting is calm", async (t) => {
  const town = await Town.open({ agencies: { moi: AGENCIES.moi } });
  t.after(() => town.tear());
  await town.start();
  const receipt = await town.post("28400000001");
  await town.stands(receipt.id, "moi", "delivered");
  const v = await Visitor.comes(town, { lang: "ar" });
  await v.signsIn("operator");
  await v.sees(v.t("total-agencies", { n: 1 }), v.t("state-open"));
  assert.deepEqual(await v.page.$$eval("#a-moi .num", (cells) => [...new Set(cells.slice(0, 7).map((cell) => cell.innerText.trim()))]), ["·"]);
  await v.leaves();
});

const LONG = {
  en: "General Secretariat of the Council for the Coordination of Shared Government Services and Digital Transformation",
  ar: "الأمانة العامة لمجلس تنسيق الخدمات الحكومية المشتركة والتحول الرقمي وتطوير الأداء المؤسسي",
};

test("four hundred agencies with long names are told apart, sorted, filtered and read on a phone", async (t) => {
  const agencies = Object.fromEntries(Array.from({ length: 400 }, (_, n) => {
    const id = `agency-with-a-rather-long-id-${String(n).padStart(3, "0")}`;
    return [id, { en: `${LONG.en} ${n}`, ar: `${LONG.ar} ${n}`, transport: "pull" }];
  }));
  const town = await Town.open({ agencies });
  t.after(() => town.tear());
  await town.start();
  for (let n = 0; n < 3; n += 1) await town.post(`2840000010${n}`);
  for (const lang of ["en", "ar"]) {
    const v = await Visitor.comes(town, { lang, theme: lang === "en" ? "dark" : "light" });
    await v.signsIn("operator");
    const { page } = v;
    await v.sees(v.t("total-agencies", { n: 400 }), number(lang, 1200));
    assert.equal((await page.$$("[data-rows] tr")).length, 400);
    await v.fits();
    await page.type("#q", "id-39");
    await v.goes(() => page.keyboard.press("Enter"));
    await v.sees(v.t("total-agencies", { n: 10 }));
    await v.isAccessible();
    await page.setViewport({ deviceScaleFactor: 1, ...PHONE, isMobile: false, hasTouch: false });
    await v.fits();
    for (const path of ["/dashboard/find", "/dashboard/schedule", "/dashboard/dead-letters", "/dashboard/agencies/agency-with-a-rather-long-id-000/pause"]) {
      await v.opens(path);
      await v.fits();
    }
    // An envelope that goes to all of them.
    await v.opens("/dashboard/find");
    await v.goes(() => page.click("[data-rows] th a"));
    assert.equal((await page.$$(".branch")).length, 400);
    await v.fits();
    await page.setViewport({ deviceScaleFactor: 1, ...DESKTOP });
    await v.opens("/dashboard?sort=agency");
    const falls = await page.$$eval("[data-rows] tr", (rows) => rows.map((row) => row.id));
    await v.goes(() => page.click("[aria-sort] a"));
    assert.deepEqual(await page.$$eval("[data-rows] tr", (rows) => rows.map((row) => row.id)), falls.reverse());
    await v.leaves();
  }
});
