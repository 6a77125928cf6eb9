import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findNativeRuntime, type ReadyFile } from "../location.ts";
import { addons, ensureAddon, findAddon } from "./addon.ts";
import { runtimeKey } from "../recipe.ts";
import { runSetup } from "../setup.ts";

/** A ready runtime, as setups before the addon left them: without the addon, its headers beside it. */
let folder: string;
let directory: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "page-map-"));
  directory = path.join(folder, "cache", "native", runtimeKey("cpu-linux-x64"));
  mkdirSync(path.join(directory, "node_modules"), { recursive: true });
  const ready: ReadyFile = {
    schema: 1,
    variant: "cpu-linux-x64",
    how: "wheel",
    tensorflowVersion: "2.21.0",
    tfjsVersion: "4.22.0",
    compiler: null,
    installedBytes: 1,
    setupSeconds: 1,
  };
  writeFileSync(path.join(directory, "ready.json"), JSON.stringify(ready));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LATENTWEAVE_CACHE: path.join(folder, "cache"),
    LATENTWEAVE_NATIVE_VARIANT: "cpu-linux-x64",
    ...extra,
  };
}

/** A PATH with nothing on it but what is named. */
function emptyPath(): string {
  const bin = path.join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  return bin;
}

const here = findNativeRuntime();
const headers = here === null ? "" : path.join(here.directory, "node_modules", "node-api-headers");

describe.skipIf(here === null || process.platform === "win32")(
  "setup where the runtime is there already",
  () => {
    beforeEach(() => symlinkSync(headers, path.join(directory, "node_modules", "node-api-headers")));

    it("adds the addon without a download, and nothing the next time", async () => {
      const env = environment();
      expect(findAddon(addons.pageMap, env)).toBeNull();
      expect(await runSetup({ quiet: true }, env)).toBe(0);
      const file = findAddon(addons.pageMap, env);
      expect(file).not.toBeNull();
      expect(await ensureAddon(addons.pageMap, { env: { ...env, PATH: emptyPath() } })).toEqual({
        kind: "ready",
        file,
        fresh: false,
      });
      expect(readdirSync(directory).filter((name) => name.startsWith("attempt-"))).toEqual([]);
    });

    it("is made by two at once", async () => {
      const env = environment();
      const both = await Promise.all([
        ensureAddon(addons.pageMap, { env }),
        ensureAddon(addons.pageMap, { env }),
      ]);
      expect(both.map(({ kind }) => kind)).toEqual(["ready", "ready"]);
    });
  },
);

describe("where the addon cannot be had", () => {
  it("without a compiler: setup ends well and names what to install", async () => {
    const env = environment({ PATH: emptyPath(), CXX: "" });
    expect(await ensureAddon(addons.pageMap, { env })).toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("no C++ compiler") as string,
    });
    expect(await runSetup({ quiet: true }, env)).toBe(0);
  });

  it("with a compiler that fails: repeats its last words and leaves no half-made addon", async () => {
    const compiler = path.join(emptyPath(), "c++-of-this-test");
    writeFileSync(
      compiler,
      '#!/bin/sh\nif [ "$1" = --version ]; then exit 0; fi\necho "fatal error: no such header" >&2; exit 1\n',
    );
    chmodSync(compiler, 0o755);
    const env = environment({ CXX: compiler });
    expect(await ensureAddon(addons.pageMap, { env })).toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("no such header") as string,
    });
    expect(findAddon(addons.pageMap, env)).toBeNull();
    expect(existsSync(path.join(directory, "addons"))).toBe(true);
  });

  it("without a native runtime: says that setup brings it", async () => {
    rmSync(directory, { recursive: true });
    const outcome = await ensureAddon(addons.pageMap, { env: environment() });
    expect(outcome).toMatchObject({ kind: "unavailable", advice: ["npx latentweave setup"] });
  });
});
