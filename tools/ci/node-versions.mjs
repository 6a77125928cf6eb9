#!/usr/bin/env node
/**
 * Other versions of Node.js, from npm's `node` package, kept in the cache: prints the program's path.
 *
 *   node tools/ci/node-versions.mjs 22
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { runCommand } from "./run-command.mjs";

/** The oldest that is supported, and one of each line that people run. */
const versions = { 20: "20.19.0", 22: "22.23.3", 24: "24.21.0" };

/**
 * @param {number | string} major
 * @returns {Promise<string>} the program's path
 * @throws Error where npm cannot install it
 */
export async function nodeOfVersion(major) {
  const version = versions[major];
  if (version === undefined)
    throw new Error(`known versions of Node.js: ${Object.keys(versions).join(", ")}`);
  const folder = path.join(cacheFolder(), "node", version);
  const program = path.join(folder, "node_modules/node/bin/node");
  if (existsSync(program)) return program;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    // Its install script is what brings the program for this machine.
    const flags = ["--ignore-scripts=false", "--no-audit", "--no-fund", "--loglevel=error"];
    const { code, output } = await runCommand([
      "npm",
      "install",
      ...flags,
      "--prefix",
      partial,
      `node@${version}`,
    ]);
    if (code !== 0) throw new Error(`npm could not install Node.js ${version}:\n${output.trim()}`);
    if (!existsSync(program)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return program;
}

/** As `cacheDirectory` of @latentweave/protocol, which plain JavaScript cannot import unbuilt. */
function cacheFolder({ LATENTWEAVE_CACHE, XDG_CACHE_HOME } = process.env) {
  if (LATENTWEAVE_CACHE) return path.resolve(LATENTWEAVE_CACHE);
  if (XDG_CACHE_HOME) return path.join(XDG_CACHE_HOME, "latentweave");
  return path.join(os.homedir(), ".cache", "latentweave");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await nodeOfVersion(process.argv[2]));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
