import { writeFileSync } from "node:fs";
import { compileModule } from "./compile-module.mjs";

const binary = await compileModule();
const lines = Buffer.from(binary)
  .toString("base64")
  .replace(/.{100}/g, "$&\\\n");
writeFileSync(
  new URL("../src/generated/module.ts", import.meta.url),
  `/** Compiled from assembly/ by \`npm run build:wasm\`: base64 of ${binary.length} bytes. Never edited by hand. */\n` +
    `export const moduleBase64 =\n  "${lines}";\n`,
);
console.log(`src/generated/module.ts: ${binary.length} bytes of WebAssembly`);
