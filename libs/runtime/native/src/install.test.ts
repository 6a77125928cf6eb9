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
import { exportBundle, importBundle } from "./bundle.ts";
import { installNative } from "./install.ts";
import { findNativeRuntime, type ReadyFile } from "./location.ts";
import { runtimeKey } from "./recipe.ts";

/**
 * The installer against scripted tools on a PATH of its own. A real install downloads 324 MB: setup itself does that,
 * and ends by loading what it made.
 */
let folder: string;
let lines: string[];
const progress = { line: (text: string) => lines.push(text), live: () => {} };

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "install-"));
  lines = [];
  mkdirSync(path.join(folder, "bin"));
  for (const tool of ["sh", "mkdir", "cat"]) {
    const found = ["/bin", "/usr/bin"]
      .map((place) => path.join(place, tool))
      .find((file) => existsSync(file));
    if (found !== undefined) symlinkSync(found, path.join(folder, "bin", tool));
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: path.join(folder, "bin"),
    LATENTWEAVE_CACHE: path.join(folder, "cache"),
    LATENTWEAVE_NATIVE_VARIANT: "cpu-linux-x64",
  };
}

function tool(name: string, script: string): void {
  const file = path.join(folder, "bin", name);
  writeFileSync(file, `#!/bin/sh\nif [ "$1" = --version ]; then echo "${name} 1.0"; exit 0; fi\n${script}\n`);
  chmodSync(file, 0o755);
}

const fakeNpm = `
mkdir -p node_modules/@tensorflow/tfjs-node-gpu/scripts
cat > node_modules/@tensorflow/tfjs-node-gpu/scripts/install.js <<'END'
console.error("storage is out of reach"); process.exit(3);
END`;

function readyRuntime(cache: string): string {
  const directory = path.join(cache, "native", runtimeKey("cpu-linux-x64"));
  mkdirSync(path.join(directory, "site"), { recursive: true });
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
  writeFileSync(path.join(directory, "site", "library"), "bytes");
  writeFileSync(path.join(directory, "ready.json"), JSON.stringify(ready));
  return directory;
}

describe("what setup does where something is missing", () => {
  it("without npm: ends at once, says so, and leaves the next backend to do the work", async () => {
    const outcome = await installNative({ env: environment(), progress });
    expect(outcome).toMatchObject({ kind: "unavailable", reasons: ["npm was not found"] });
    expect(lines.join("\n")).toMatch(/WebGPU: not available[^]*WASM is used instead/);
  });

  it("announces sizes before anything is downloaded", async () => {
    await installNative({ env: environment(), progress });
    expect(lines.slice(0, 2).join()).toMatch(/324 MB to download, 1\.1 GB on disk/);
  });

  it("without pip and compiler: says what to install, tries the package's own download, then falls back", async () => {
    tool("npm", fakeNpm);
    const outcome = await installNative({ env: environment(), progress });
    expect(outcome.kind).toBe("unavailable");
    if (outcome.kind !== "unavailable") return;
    expect(outcome.reasons).toEqual([
      expect.stringContaining("no pip"),
      expect.stringContaining("no C++ compiler"),
      expect.stringMatching(/own download did not work \(exit code 3\): storage is out of reach/),
    ]);
    expect(outcome.advice.join("\n")).toMatch(/apt-get install .*python3-pip g\+\+/);
  });

  it("with a pip that fails: repeats pip's own last words, and the next try starts at the failed stage", async () => {
    tool("npm", fakeNpm);
    tool("g++", "exit 1");
    tool("pip3", 'echo "ERROR: no route to the index" >&2; exit 1');
    const first = await installNative({ env: environment(), progress });
    expect(JSON.stringify(first)).toContain("no route to the index");
    lines = [];
    await installNative({ env: environment(), progress });
    expect(lines).toContain("  npm packages: already there");
  });

  it("leaves no lock behind", async () => {
    await installNative({ env: environment(), progress });
    const left = readdirSync(path.join(folder, "cache", "native")).filter((name) => name.endsWith(".lock"));
    expect(left).toEqual([]);
  });
});

describe("a runtime that is there", () => {
  it("is found without any tool and without a word", async () => {
    const directory = readyRuntime(path.join(folder, "cache"));
    const outcome = await installNative({ env: environment(), progress });
    expect(outcome).toMatchObject({ kind: "ready", fresh: false, runtime: { directory } });
    expect(lines).toEqual([]);
  });

  it("is not found while its last file is missing", () => {
    const directory = readyRuntime(path.join(folder, "cache"));
    rmSync(path.join(directory, "ready.json"));
    expect(findNativeRuntime(environment())).toBeNull();
  });

  it("travels as a bundle, which works in place and imported", () => {
    const directory = readyRuntime(path.join(folder, "elsewhere"));
    const env = environment();
    const source = findNativeRuntime({ ...env, LATENTWEAVE_CACHE: path.join(folder, "elsewhere") });
    if (source === null) throw new Error("the prepared runtime was not found");
    const bundle = path.join(folder, "bundle");
    exportBundle(source, bundle);
    rmSync(directory, { recursive: true });
    expect(findNativeRuntime({ ...env, LATENTWEAVE_CACHE: bundle })).not.toBeNull();
    importBundle(bundle, env);
    const found = findNativeRuntime(env);
    expect(found?.directory.startsWith(path.join(folder, "cache"))).toBe(true);
    expect(existsSync(path.join(found?.directory ?? "", "site", "library"))).toBe(true);
  });

  it("is not made up from a folder that is no bundle", () => {
    expect(() => importBundle(folder, environment())).toThrow("holds no native runtime");
  });
});
