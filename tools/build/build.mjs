#!/usr/bin/env node
/**
 * Bundles the published package, `apps/cli/dist`, and does nothing when nothing changed.
 *
 *   node tools/build/build.mjs [--force] [--publish]
 *
 * What becomes what (all flat in dist, so that files find each other by name; see entry-file.ts in native):
 *   apps/cli/src/main.ts, index.ts      main.js (the command), index.js (the library)
 *   `src/**\/name.entry.ts` of a library   name.js   (first file of a thread or child process)
 *   `src/**\/name.standalone.ts`           name.cjs  (with its npm dependencies inside)
 *   `src/**\/name.py`                      name.py
 *   apps/dashboard/src                  dashboard/index.html, one self-contained page
 *   --publish: apps/cli/src/index.ts     index.d.ts and types/, for users' own job files
 *
 * Running processes load chunks lazily, so a new build never removes or empties files that an older one may still
 * want: each file is renamed into place, and what is no longer made goes only after `keepOldMs`
 * (at once with --publish, which prepares what is packed).
 */
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const dist = path.join(root, "apps/cli/dist");
const keepOldMs = 24 * 3600 * 1000;
const lockPollMs = 100;

/**
 * Builds if anything changed since the last build. Several processes may call it at once; one builds, the rest wait.
 * @param {{ force?: boolean, publish?: boolean, log?: (text: string) => void }} options
 * @returns {Promise<{ built: boolean, milliseconds: number }>}
 */
export async function ensureBuilt({ force = false, publish = false, log = () => {} } = {}) {
  const startMs = performance.now();
  const outcome = (built) => ({ built, milliseconds: Math.round(performance.now() - startMs) });
  const sources = listSources();
  let fingerprint = fingerprintOf(sources);
  if (!force && isFresh(fingerprint, publish)) return outcome(false);
  const release = await lock();
  try {
    fingerprint = fingerprintOf(sources);
    if (!force && isFresh(fingerprint, publish)) return outcome(false);
    log("building apps/cli/dist ...");
    const { buildBundle } = await import("./bundle.mjs");
    const files = await buildBundle({ root, sources });
    // Of `latentweave bench`: what PyTorch runs beside it.
    for (const file of sources.filter((name) => name.endsWith(".py")))
      files.set(path.basename(file), readFileSync(file));
    if (existsSync(path.join(root, "apps/dashboard/src/main.ts"))) {
      const { buildDashboard } = await import("./dashboard.mjs");
      files.set("dashboard/index.html", await buildDashboard(root));
    }
    if (publish) {
      const { buildTypes } = await import("./types.mjs");
      for (const [name, text] of await buildTypes(root)) files.set(name, text);
    }
    // Shared parts before the files that name them: a process may start in between.
    const isShared = (name) => (name.startsWith("chunk-") ? 0 : 1);
    const ordered = [...files].sort(([a], [b]) => isShared(a) - isShared(b));
    for (const [name, contents] of ordered) place(name, contents);
    place(".fingerprint", fingerprint);
    if (publish) place(".fingerprint-publish", fingerprint);
    prune(files, publish ? 0 : keepOldMs);
  } finally {
    release();
  }
  return outcome(true);
}

/** Every file that can change the result: sources (tests left out), manifests, this tool. */
export function listSources() {
  const files = [path.join(root, "package-lock.json"), path.join(root, "apps/cli/package.json")];
  for (const name of readdirSync(path.join(root, "tools/build")))
    files.push(path.join(root, "tools/build", name));
  const projects = [
    ...readdirSync(path.join(root, "apps")).map((name) => path.join(root, "apps", name)),
    ...readdirSync(path.join(root, "libs")).flatMap((layer) =>
      readdirSync(path.join(root, "libs", layer)).map((name) => path.join(root, "libs", layer, name)),
    ),
  ];
  for (const project of projects) {
    if (existsSync(path.join(project, "package.json"))) files.push(path.join(project, "package.json"));
    walk(path.join(project, "src"), files);
  }
  return files;
}

function walk(folder, files) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) walk(file, files);
    else if (!/\.test\.ts$/.test(entry.name)) files.push(file);
  }
}

function fingerprintOf(files) {
  const hash = createHash("sha1");
  for (const file of files) {
    try {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${path.relative(root, file)} ${size} ${mtimeMs}\n`);
    } catch {
      hash.update(`${file} gone\n`);
    }
  }
  return hash.digest("hex");
}

function isFresh(fingerprint, publish) {
  const names = publish ? [".fingerprint", ".fingerprint-publish"] : [".fingerprint"];
  return names.every((name) => {
    try {
      return readFileSync(path.join(dist, name), "utf8") === fingerprint;
    } catch {
      return false;
    }
  });
}

function place(name, contents) {
  const target = path.join(dist, name);
  if (existsSync(target) && readFileSync(target).equals(Buffer.from(contents))) {
    utimesSync(target, new Date(), new Date());
    return;
  }
  mkdirSync(path.dirname(target), { recursive: true });
  const partial = `${target}.${randomUUID()}`;
  writeFileSync(partial, contents);
  renameSync(partial, target);
}

function prune(files, ageMs) {
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = path.join(dist, name);
    if (files.has(name.split(path.sep).join("/")) || path.basename(name).startsWith(".")) continue;
    const info = statSync(file);
    if (info.isFile() && Date.now() - info.mtimeMs > ageMs) rmSync(file, { force: true });
  }
}

/** One builder at a time: a file made exclusively, that belongs to nobody once its process is gone. */
async function lock() {
  mkdirSync(dist, { recursive: true });
  const file = path.join(dist, ".lock");
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
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const flags = process.argv.slice(2);
  try {
    const { built, milliseconds } = await ensureBuilt({
      force: flags.includes("--force"),
      publish: flags.includes("--publish"),
    });
    if (built) process.stderr.write(`built apps/cli/dist in ${(milliseconds / 1000).toFixed(1)} s\n`);
  } catch (error) {
    process.stderr.write(`the build failed: ${error.message}\n`);
    process.exitCode = 1;
  }
}
