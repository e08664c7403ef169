// Reads an AsyncAPI document with the community's own parser and tells what is wrong with it: node asyncapi.mjs FILE
// The folder that the parser is installed in is the current one.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const { Parser } = createRequire(`${process.cwd()}/`)('@asyncapi/parser');
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
// 0 is an error, 1 a warning; what is less is advice.
const wrong = diagnostics.filter(({ severity }) => severity <= 1);
for (const { code, message, path } of wrong) {
  console.log(`${path.join('.')}: ${code}: ${message}`);
}
if (!document || wrong.length > 0) {
  process.exit(1);
}
const messages = document.allMessages().all().length;
console.log(`${document.channels().all().length} channels, ${document.operations().all().length} operations, ${messages} messages`);
