// Runs the test files: `node run.mjs [NAME...]`, two at a time. What they begin with is reached once, see lib/seed.mjs.
//
// `passed N of N in S s` ends the report.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seed } from "./lib/seed.mjs";

const AT_ONCE = 2;
/** The longest first. */
const ORDER = ["screens", "story", "actions", "shots"];
const here = new URL(".", import.meta.url).pathname;
const begun = Date.now();
const children = new Set();
process.on("exit", () => { for (const child of children) child.kill("SIGTERM"); });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1));

/** Runs a file; resolves to its report. */
const run = (name, env) => new Promise((done) => {
  const child = spawn(process.execPath, ["--test-reporter=tap", `${name}.test.mjs`], { cwd: here, env: { ...process.env, ...env } });
  children.add(child);
  let report = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => { report += piece; });
  child.once("exit", (code, signal) => {
    children.delete(child);
    const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(report)?.[1] ?? 0);
    done({ name, report, passed: count("pass"), failed: count("fail"), well: code === 0 && count("pass") > 0 && count("fail") + count("skipped") + count("todo") === 0, end: code ?? signal });
  });
});

const all = (await readdir(here)).filter((file) => file.endsWith(".test.mjs")).map((file) => file.slice(0, -".test.mjs".length));
const asked = process.argv.slice(2);
const wrong = asked.filter((name) => !all.includes(name));
if (wrong.length) {
  console.error(`there is no ${wrong.join(", ")}; there are ${all.join(", ")}`);
  process.exit(2);
}
const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
const names = (asked.length ? asked : all).sort((a, b) => rank(a) - rank(b));
const folder = process.env.FALAJ_BROWSER_SEED ?? (await mkdtemp(join(tmpdir(), "falaj-browser-seed-")));
// What needs no situation does not wait for it.
const FREE = ["sizes", "provider"];
let seeding = null;
const seeds = () => (seeding ??= process.env.FALAJ_BROWSER_SEED ? Promise.resolve() : seed(folder));
let passed = 0, well = true;
/** What failed, with why: it is said again at the end, where one looks first. */
const why = [];
const lane = async () => {
  for (let name = names.shift(); name; name = names.shift()) {
    if (!FREE.includes(name)) await seeds();
    const result = await run(name, { FALAJ_BROWSER_SEED: folder });
    passed += result.passed;
    well &&= result.well;
    console.log(`${result.well ? "well" : "FAILED"}  ${name}: ${result.passed} passed, ${result.failed} failed, ends with ${result.end}, at ${Math.round((Date.now() - begun) / 1000)} s`);
    if (!result.well) console.log(result.report);
    for (const [block] of result.report.matchAll(/^not ok [\s\S]*?^ {2}\.\.\.$/gm)) why.push(`${name}: ${block}`);
  }
};
try {
  // While the situation is reached there is time for what needs none.
  if (names.some((name) => !FREE.includes(name))) void seeds().catch(() => {});
  names.sort((a, b) => Number(FREE.includes(b)) - Number(FREE.includes(a)));
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
} finally {
  if (!process.env.FALAJ_BROWSER_SEED) await rm(folder, { recursive: true, force: true });
}
for (const block of why) console.log(block);
console.log(`passed ${passed} ${well ? "and none failed" : "but not all"} in ${Math.round((Date.now() - begun) / 1000)} s`);
process.exitCode = well ? 0 : 1;
