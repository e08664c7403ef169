// The situation of the tests, for a person with a browser: prints where the bus is and the keys that open it, until it is interrupted.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seed, seeded } from "./lib/seed.mjs";
import { KEYS } from "./lib/town.mjs";

let made = null;
if (!process.env.FALAJ_BROWSER_SEED) {
  made = await mkdtemp(join(tmpdir(), "falaj-browser-seed-"));
  process.env.FALAJ_BROWSER_SEED = made;
  console.log("messages fail until they are given up; this takes most of a minute");
  await seed(made);
}
const town = await seeded();
if (made) await rm(made, { recursive: true });
console.log(`${town.base}/dashboard`);
for (const [who, { key, role }] of Object.entries(KEYS)) console.log(`${who.padEnd(9)} ${role.padEnd(9)} ${key}`);
process.removeAllListeners("SIGINT");
process.once("SIGINT", async () => {
  await town.tear();
  process.exit(0);
});
