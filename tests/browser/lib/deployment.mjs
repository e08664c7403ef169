// A town: one portal that publishes, and an agency for each way in which things go well or badly.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const SECRET = "whsec_dGVzdC1zZWNyZXQtb2YtdGhlLWZhbGFqLXByb29mcw==";
export const SOURCE = "urn:qa:gov:hukoomi";

// Whoever signs in. These keys open nothing but a bus that lives for one test.
export const KEYS = {
  portal: { key: "browser-test-key-of-the-portal-01", role: "agency", agency: "hukoomi" },
  operator: { key: "browser-test-key-of-the-operator-1", role: "operator", name: "Noora Al-Kuwari" },
  auditor: { key: "browser-test-key-of-the-auditor-01", role: "auditor" },
  admin: { key: "browser-test-key-of-the-administrator", role: "admin" },
  viewer: { key: "browser-test-key-of-the-viewer-001", role: "viewer" },
  moph: { key: "browser-test-key-of-public-health-1", role: "agency", agency: "moph" },
  moj: { key: "browser-test-key-of-the-courts-001", role: "agency", agency: "moj" },
};

export const TYPES = {
  moved: { id: "qa.gov.person.address-changed", en: "Address changed", ar: "تغيير العنوان" },
  born: { id: "qa.gov.person.birth-registered", en: "Birth registered", ar: "تسجيل مولود" },
};

// `order = "none"` ends in dead letters, the usual order in blocked lanes.
export const AGENCIES = {
  moi: { en: "Ministry of Interior", ar: "وزارة الداخلية" },
  municipality: { en: "Ministry of Municipality", ar: "وزارة البلدية", delivery: "timeout = \"3s\"" },
  moph: { en: "Ministry of Public Health", ar: "وزارة الصحة العامة", types: ["moved", "born"] },
  qpost: { en: "Qatar Post", ar: "بريد قطر", order: "none" },
  mol: { en: "Ministry of Labour", ar: "وزارة العمل", delivery: "in_flight = 2\ntimeout = \"2m\"" },
  utilities: { en: "Kahramaa", ar: "كهرماء", window: true },
  csb: { en: "Civil Service and Government Development Bureau", ar: "ديوان الخدمة المدنية والتطوير الحكومي" },
  moj: { en: "Ministry of Justice", ar: "وزارة العدل", transport: "pull" },
};

const FIELDS = { moved: ["/qid", "/address"], born: ["/qid", "/name"] };
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

// Opens on one day of the week, three days from now.
const closed = () => `\n[delivery.window]\nzone = "Asia/Qatar"\ndays = ["${DAYS[(new Date().getUTCDay() + 3) % 7]}"]\nhours = ["08:00-14:00"]\n`;

export async function write(root, { agencies, urls }) {
  const file = async (path, text) => {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  };
  let keys = "";
  for (const [id, { key, role, agency, name }] of Object.entries(KEYS)) {
    if (agency && agency !== "hukoomi" && !agencies[agency]) continue;
    keys += `[[auth.keys]]\nname = "${name ?? id}"\nrole = "${role}"\n${agency ? `agency = "${agency}"\n` : ""}sha256 = "${createHash("sha256").update(key).digest("hex")}"\n\n`;
  }
  await file("falaj.toml", keys);
  for (const [word, { id, en, ar }] of Object.entries(TYPES)) {
    const address = { type: "object", properties: { zone: { type: "integer" }, street: { type: "string" } }, additionalProperties: false };
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `falaj:/schemas/${id}/1.0`,
      title: en,
      "x-falaj": { owner: "hukoomi", name: { en, ar }, maturity: 4, subject: "required" },
      type: "object",
      properties: { qid: { type: "string" }, ...(word === "moved" ? { address } : { name: { type: "string" } }) },
      required: ["qid"],
      additionalProperties: false,
    };
    await file(`schemas/${id}/1.0.json`, JSON.stringify(schema, null, 2));
  }
  // What a type is tried with.
  const sample = { specversion: "1.0", id: "sample-1", source: SOURCE, type: TYPES.born.id, subject: "28400000099", data: { qid: "28400000099", name: "نورة" } };
  await file(`examples/${TYPES.born.id}.json`, JSON.stringify(sample));
  const types = Object.values(TYPES).map((type) => `"${type.id}"`).join(", ");
  await file("connectors/hukoomi/connector.toml", `[agency]\nid = "hukoomi"\nname = { en = "Hukoomi portal", ar = "بوابة حكومي" }\n\n[publishes]\ntypes = [${types}]\nsources = ["${SOURCE}"]\n`);
  for (const [id, { en, ar, delivery = "", window, transport = "webhook", order = "subject", types = ["moved"] }] of Object.entries(agencies)) {
    const way = transport === "webhook" ? `transport = "webhook"\nurl = "${urls[id]}"\nsecret = "${SECRET}"\n${delivery}\n` : `transport = "${transport}"\n`;
    const wish = (word) => `\n[[subscription]]\ntype = "${TYPES[word].id}"\norder = "${order}"\nfields = ${JSON.stringify(FIELDS[word])}\npurpose = { en = "Keep the register", ar = "تحديث السجل" }\nlegal_basis = "Law No. 21 of 2015"\n`;
    await file(`connectors/${id}/connector.toml`, `[agency]\nid = "${id}"\nname = { en = "${en}", ar = "${ar}" }\n\n[delivery]\n${way}${window ? closed() : ""}${types.map(wish).join("")}`);
  }
}
