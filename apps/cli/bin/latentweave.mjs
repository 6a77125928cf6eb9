#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one gets a sentence and no syntax error.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Latentweave needs Node.js 20.19 or newer; this is ${process.version}.\n  to mend:  install a newer one from https://nodejs.org\n`,
  );
  process.exit(2);
}

// Only a checkout has the build tool; there, what runs is always what the sources say.
const buildTool = new URL("../../../tools/build/build.mjs", import.meta.url);
const isCheckout =
  existsSync(fileURLToPath(buildTool)) && existsSync(new URL("../src/index.ts", import.meta.url));
let ready = true;
if (isCheckout) {
  try {
    const { ensureBuilt } = await import(buildTool.href);
    await ensureBuilt();
  } catch (error) {
    const missing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
    const mend = missing ? "\n  to mend:  run `npm run setup` in the checkout" : "";
    process.stderr.write(`this checkout cannot be built: ${error.message}${mend}\n`);
    process.exitCode = 1;
    ready = false;
  }
}
if (ready) await import(new URL("../dist/main.js", import.meta.url).href);
