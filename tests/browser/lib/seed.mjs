// The situation that most tests begin with. Reaching it takes as long as a message is tried before it is given up, most of a minute;
// so it is reached once, and each test file works on a copy of its ledger.
//
//   the Ministry of Interior is well; Municipality is down; Public Health refuses one change of two persons each, and later ones wait behind it;
//   Qatar Post refuses fifteen (two errors, dead letters) and took another at its redrive; Labour answers slowly; Kahramaa is outside its
//   hours; the Civil Service Bureau is paused; Justice has not come for its deliveries.

import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Town, until } from "./town.mjs";

const citizen = (n) => `284${String(n).padStart(8, "0")}`;
export const POISONED = citizen(3);
// One of them for each language in which it is repaired.
export const ALSO_POISONED = citizen(4);
const POISON = ["poison-1", "poison-2"];
/** Statuses with which Qatar Post refuses what it is told of these. */
const REFUSED = { [citizen(5)]: 400, [citizen(6)]: 400, [citizen(7)]: 422 };
for (let n = 101; n <= 112; n += 1) REFUSED[citizen(n)] = 400;
/** How many dead letters that makes, for each status. */
export const DEAD = { 400: 14, 422: 1 };
const REDRIVEN = citizen(8);
export const WHY_PAUSED = "يجري تحديث النظام";
export const CASE = "case-2026-17";
/** Changes that every agency is told of. */
const FIRST = 14;
const LATER = 24;

/** Puts the agencies' servers into the situation. */
async function behave(town, { redriven = false } = {}) {
  const { desks } = town;
  await desks.municipality.close();
  desks.moph.react = (event) => (POISON.includes(event.id) ? { status: 422, text: '{"error":"zone 66 is not in the register"}' } : {});
  desks.qpost.react = (event) => {
    const status = event.subject === REDRIVEN && !redriven ? 400 : REFUSED[event.subject];
    return status ? { status, text: '{"error":"no such street"}' } : {};
  };
  desks.mol.react = () => ({ hold: true });
}

/** Plays the situation through, and keeps its ledger and what is in it in a folder. */
export async function seed(folder) {
  const town = await Town.open();
  try {
    await town.start();
    await town.call("operator", "POST", "/v1/agencies/csb/pause", { reason: WHY_PAUSED });
    await behave(town);
    const known = { envelopes: [] };
    known.poisoned = (await town.post(POISONED, { correlationid: CASE, id: POISON[0] })).id;
    known.alsoPoisoned = (await town.post(ALSO_POISONED, { id: POISON[1] })).id;
    for (let n = 1; n <= FIRST; n += 1) known.envelopes.push((await town.post(citizen(n))).id);
    for (const one of [POISONED, ALSO_POISONED]) await town.post(one);
    known.born = (await town.post(citizen(1), { type: "born" })).id;
    await until("Municipality is found to be down", async () => (await town.queue("municipality")).state === "circuit_open");
    for (let n = 1; n <= LATER; n += 1) await town.post(citizen(100 + n));
    await town.queue("mol", (queue) => queue.in_flight === 2);
    for (const one of [known.poisoned, known.alsoPoisoned]) await town.stands(one, "moph", "parked");
    await until("Qatar Post has given up what it refuses", async () => {
      const { groups } = await town.call("operator", "GET", "/v1/dead-letters?groups=true&agency=qpost");
      return groups.reduce((all, group) => all + group.dead, 0) === DEAD[400] + DEAD[422] + 1;
    });
    known.dead = known.envelopes[4];
    await behave(town, { redriven: true });
    const letter = await town.stands(known.envelopes[7], "qpost", "dead");
    const job = await town.call("operator", "POST", "/v1/redrives", { agency: "qpost", ids: [letter.id], reason: "The post has corrected its register" });
    known.job = job.id;
    known.redriven = known.envelopes[7];
    await until("the redrive is done", async () => (await town.call("operator", "GET", `/v1/redrives/${job.id}`)).done === 1);
    await town.kill();
    await cp(join(town.root, "data"), join(folder, "data"), { recursive: true });
    await writeFile(join(folder, "known.json"), JSON.stringify(known));
  } finally {
    await town.tear();
  }
}

/** A town in the situation: over the folder that the environment names, else played through anew. */
export async function seeded() {
  const folder = process.env.FALAJ_BROWSER_SEED;
  if (!folder) throw new Error("FALAJ_BROWSER_SEED names no folder: see tests/browser/README.md");
  const known = JSON.parse(await readFile(join(folder, "known.json"), "utf8"));
  const town = await Town.open({ ledger: join(folder, "data") });
  try {
    town.known = known;
    await behave(town, { redriven: true });
    await town.start();
    await town.queue("municipality", (queue) => queue.state === "circuit_open");
    await town.queue("mol", (queue) => queue.in_flight === 2);
    return town;
  } catch (fault) {
    // Whoever asked for it has nothing to tear down, and its bus would go on for ever.
    await town.tear();
    throw fault;
  }
}
