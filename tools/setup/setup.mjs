#!/usr/bin/env node
/**
 * What `npm run setup` does, and `npm start` and `npm test` do first: npm packages, the bundle, the native runtime.
 * Needs nothing but Node and npm; quick when all is there. Says on standard error what it does, with sizes and seconds.
 *
 *   node tools/setup/setup.mjs [--bundle DIR | --from-bundle DIR]
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const lockPollMs = 300;
/** Measured. */
const packagesText = "about 430 MB on disk";

const say = (text) => process.stderr.write(`${text}\n`);
const seconds = (startMs) => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;

/**
 * @param {{ args?: string[] }} options `args` go to the native setup
 * @returns {Promise<number>} exit code; on anything but 0 the reason was printed
 */
export async function setup({ args = [] } = {}) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(`Latentweave needs Node.js 20.19 or newer; this is ${process.version}.`);
    return 2;
  }
  if (!(await ensurePackages())) return 1;
  const { ensureBuilt } = await import("../build/build.mjs");
  try {
    const { built, milliseconds } = await ensureBuilt();
    if (built) say(`Built the program in ${(milliseconds / 1000).toFixed(1)} s.`);
  } catch (error) {
    say(`The program could not be built: ${error.message}`);
    return 1;
  }
  const entry = path.join(root, "apps/cli/dist/native-setup.js");
  return await run(process.execPath, [entry, ...(args.length > 0 ? args : ["--quiet"])], "inherit");
}

/** Packages as package-lock.json wants them; two setups at once take turns. */
async function ensurePackages() {
  if (packagesAreCurrent()) return true;
  const release = await lock();
  try {
    if (packagesAreCurrent()) return true;
    const startMs = performance.now();
    const isFirst = !existsSync(path.join(root, "node_modules"));
    say(
      isFirst
        ? `Getting npm packages (${packagesText}) ...`
        : "package-lock.json has changed: updating npm packages ...",
    );
    // `ci` starts from an empty folder; with one in use, `install` changes only what differs.
    const verb = isFirst ? ["ci"] : ["install", "--no-save"];
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const code = await run("npm", [...verb, ...flags], ["ignore", "ignore", "inherit"]);
    if (code !== 0) {
      say(
        code === -1
          ? "npm was not found: install Node.js with npm."
          : "npm could not install the packages (see above).",
      );
      return false;
    }
    say(`Got npm packages in ${seconds(startMs)}.`);
    return true;
  } finally {
    release();
  }
}

/** Compares what the lock file names with what npm's own record says is installed, package by package. */
function packagesAreCurrent() {
  try {
    const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
    const present = JSON.parse(
      readFileSync(path.join(root, "node_modules/.package-lock.json"), "utf8"),
    ).packages;
    return Object.entries(wanted).every(([name, entry]) => {
      if (!/(^|\/)node_modules\//.test(name)) return true;
      const found = present[name];
      if (found === undefined) return entry.optional === true || entry.devOptional === true;
      return found.version === entry.version && found.integrity === entry.integrity;
    });
  } catch {
    return false;
  }
}

async function lock() {
  const name = createHash("sha1").update(root).digest("hex").slice(0, 12);
  const file = path.join(os.tmpdir(), `latentweave-npm-${name}.lock`);
  let announced = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    try {
      const holder = Number(readFileSync(file, "utf8"));
      if (holder > 0) process.kill(holder, 0);
    } catch (error) {
      if (error.code === "ESRCH") rmSync(file, { force: true });
    }
    if (!announced) say("Another setup is installing npm packages; waiting for it.");
    announced = true;
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

/** Exit code, or -1 where the command does not exist. */
function run(command, args, stdio) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio });
    child.once("error", () => resolve(-1));
    child.once("close", (code) => resolve(code ?? 1));
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  const startMs = performance.now();
  process.exitCode = await setup({ args });
  if (process.exitCode === 0 && args.length === 0) say(`Setup is complete (${seconds(startMs)}).`);
}
