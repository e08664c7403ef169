// Signing in with an identity provider, in a browser that keeps cookies as browsers do: there, through the provider's own forms, and back.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Visitor, close } from "./lib/browser.mjs";
import { AGENCIES, Town, host, until } from "./lib/town.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Where the bus will listen. */
const place = () => new Promise((found) => {
  const server = createServer().listen(0, host(), () => {
    const { address, port } = server.address();
    server.close(() => found(`${address}:${port}`));
  });
});

let town, provider, issuer;
before(async () => {
  const base = `http://${await place()}`;
  const library = at("../../target/identity/node_modules/oidc-provider/lib/index.js");
  provider = spawn(process.execPath, [at("../identity/provider.mjs"), library, "0", base, ""], { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  provider.stdout.on("data", (piece) => { said += piece; });
  issuer = await until("the provider is ready", () => /^ready (\S+)$/m.exec(said)?.[1]);
  town = await Town.open({ agencies: { moi: AGENCIES.moi, moph: AGENCIES.moph }, env: { FALAJ_OIDC__CLIENT_SECRET: "hidden: the/client+s secret & 100%" } });
  town.listen = new URL(base).host;
  await appendFile(join(town.root, "falaj.toml"), `
[oidc]
issuer = "${issuer}"
client_id = "falaj"
redirect_base = "${base}"
scopes = ["openid", "profile", "groups"]
[[auth.groups]]
group = "/falaj/operators"
role = "operator"
[[auth.groups]]
group = "/moi/integration"
role = "agency"
agency = "moi"
`);
  await town.start();
});
after(async () => {
  await close();
  await town?.tear();
  provider?.stdin.end();
});

/** Goes to the provider, says who they are there, and comes back. */
async function comesAs(v, person) {
  const { page } = v;
  const before = v.faults.length;
  await v.clicks(v.t("sign-in-provider"));
  await page.waitForSelector("input[name=login]");
  assert.equal(new URL(page.url()).origin, issuer);
  await page.type("input[name=login]", person);
  await page.type("input[name=password]", "any");
  await page.click("button[type=submit]");
  // It asks whether the bus may know who they are, unless it knows the answer.
  await page.waitForFunction((issuer) => location.origin !== issuer || !document.querySelector("input[name=login]"), { polling: 50 }, issuer);
  if (new URL(page.url()).origin === issuer) await page.click("button[type=submit]");
  await page.waitForFunction((base) => location.origin === base && document.readyState === "complete" && document.querySelector("main"), { polling: 50 }, town.base);
  // What the provider's own pages say and ask for is not ours.
  v.faults.length = before;
}

for (const lang of ["en", "ar"]) {
  test(`an operator comes back to where they wanted to be, acts, and signs out at both (${lang})`, async () => {
    const v = await Visitor.comes(town, { lang });
    await v.opens("/dashboard/schedule");
    await v.isAccessible();
    await comesAs(v, "fatima");
    assert.equal(new URL(v.page.url()).pathname, "/dashboard/schedule");
    await v.sees("Fatima Al-Marri");
    await v.opens("/dashboard/agencies/moph/pause");
    await v.says(`pause ${lang}`, v.t("pause-do"));
    const { entries } = await town.call("auditor", "GET", "/v1/audit?limit=1");
    assert.deepEqual([entries[0].actor, entries[0].means], ["Fatima Al-Marri [oidc:fatima]", "oidc"]);
    await v.opens("/dashboard/agencies/moph/resume");
    await v.says(`resume ${lang}`, v.t("resume-do"));
    const before = v.faults.length;
    await (await v.finds("Fatima Al-Marri")).click();
    await v.clicks(v.t("sign-out"));
    await v.page.waitForFunction((issuer) => location.origin === issuer, { polling: 50 }, issuer);
    v.faults.length = before;
    await v.opens("/dashboard");
    assert.equal(new URL(v.page.url()).pathname, "/dashboard/sign-in");
    await v.leaves();
  });

  test(`an agency's person sees the agency's own, and who has no role gets no session (${lang})`, async () => {
    const own = await Visitor.comes(town, { lang });
    await own.opens("/dashboard");
    await comesAs(own, "ali");
    await own.sees(own.name(AGENCIES.moi));
    await own.misses(own.name(AGENCIES.moph));
    await own.leaves();
    const guest = await Visitor.comes(town, { lang });
    guest.expects(/status of 403/);
    await guest.opens("/dashboard");
    await comesAs(guest, "guest");
    assert.equal(new URL(guest.page.url()).searchParams.get("trouble"), "no-role");
    await guest.opens("/dashboard");
    assert.equal(new URL(guest.page.url()).pathname, "/dashboard/sign-in");
    await guest.leaves();
  });
}
