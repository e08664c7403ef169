// What the dashboard says, read from its own texts, so that a test asks for a meaning and not for a wording.

import { readFileSync } from "node:fs";

const read = (language) => {
  const messages = new Map();
  let key = null;
  for (const line of readFileSync(new URL(`../../../src/dashboard/text/${language}.ftl`, import.meta.url), "utf8").split("\n")) {
    const begins = /^([a-z][a-z0-9-]*) =\s?(.*)$/.exec(line);
    if (begins) {
      key = begins[1];
      messages.set(key, begins[2]);
    } else if (key && /^[ }]/.test(line)) messages.set(key, `${messages.get(key)}\n${line}`);
    else key = null;
  }
  return messages;
};
const TEXTS = { en: read("en"), ar: read("ar") };

/** A number as a language writes it. */
export const number = (language, n) => new Intl.NumberFormat(language === "ar" ? "ar-QA-u-nu-arab" : "en-GB").format(n);

/** The text of a key, with what it speaks of. */
export function text(language, key, values = {}) {
  let message = TEXTS[language].get(key);
  if (message === undefined) throw new Error(`there is no text ${key} in ${language}`);
  const choice = /^\{\s*\$(\w+)\s*->([\s\S]*)\}\s*$/.exec(message.trim());
  if (choice) {
    const n = values[choice[1]];
    const variants = new Map([...choice[2].matchAll(/\*?\[(\w+)\] ?(.*)/g)].map((found) => [found[1], found[2]]));
    message = variants.get(String(n)) ?? variants.get(new Intl.PluralRules(language).select(n)) ?? variants.get("other");
  }
  return message.trim().replace(/\{ \$(\w+) \}/g, (_, name) => (typeof values[name] === "number" ? number(language, values[name]) : values[name]));
}

/** Text as it is read: without marks of direction, with one blank between words. */
export const plain = (said) => said.replace(/[\u2066-\u2069\u200e\u200f\u061c]/g, "").replace(/\s+/g, " ").trim();
