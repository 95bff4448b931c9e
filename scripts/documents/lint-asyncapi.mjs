// Fails if the official parser has anything to say of an AsyncAPI document: node lint-asyncapi.mjs <file>
import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";

// Each of these says nothing of the document's quality, and why.
const UNIMPORTANT = new Map([["asyncapi-latest-version", "3.0 says all we need, and more tools read it than 3.1"]]);

const [file] = process.argv.slice(2);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
const complaints = diagnostics.filter(({ code }) => !UNIMPORTANT.has(code));
for (const { code, message, path } of complaints) {
  console.error(`${file} ${path.join(".")}: ${message} (${code})`);
}
if (document === undefined || complaints.length > 0) {
  process.exit(1);
}
console.log(`${file}: valid AsyncAPI ${document.version()}`);
