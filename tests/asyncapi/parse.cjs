// Reads an AsyncAPI document by the official parser, and prints what it found, as JSON.
// The working directory is where the parser is installed.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const { Parser } = createRequire(join(process.cwd(), "package.json"))("@asyncapi/parser");

new Parser().parse(readFileSync(process.argv[2], "utf8")).then(({ document, diagnostics }) => {
  const names = (items) => items.all().map((item) => item.id());
  const operations = document ? document.operations().all() : [];
  console.log(JSON.stringify({
    problems: diagnostics.map(({ severity, code, path, message }) => ({ severity, code, path: path.join("."), message })),
    channels: document ? names(document.channels()) : [],
    messages: document ? names(document.allMessages()) : [],
    operations: operations.map((item) => ({ id: item.id(), action: item.action(), messages: names(item.messages()) })),
  }));
});
