import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FaultFolder, faultFolder } from "../journal/fault-folder.ts";
import { readJournal } from "../journal/journal.ts";
import type { Fault } from "../plan/fault.ts";
import { parsePlan } from "../plan/parse-plan.ts";
import { faultsEnvironment } from "./setting.ts";

const entry = fileURLToPath(new URL("../index.ts", import.meta.url));
let directory = "";
let folder: FaultFolder;

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "latentweave-faults-"));
  folder = faultFolder(path.join(directory, "drill"));
  folder.make();
  mkdirSync(path.join(directory, "run"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a program in a process that has these faults; `own` and `run` (its folder) are there for it. */
function struck(
  plan: readonly object[],
  program: string,
): { readonly signal: string | null; readonly out: string } {
  const text = `
    import { readOwnFaults } from ${JSON.stringify(entry)};
    import fs from "node:fs";
    import { open, mkdir, rename } from "node:fs/promises";
    const own = readOwnFaults("shard");
    const worker = readOwnFaults("worker");
    const run = ${JSON.stringify(path.join(directory, "run"))};
    ${program}`;
  const faults = parsePlan(plan, "p").faults.map((fault: Fault, index) => ({ number: index + 1, fault }));
  const faultsOf = (part: string) =>
    faults.filter(({ fault }) => fault.to === part || (part === "shard-0" && fault.to === "coordinator"));
  const script = path.join(directory, "script.mjs");
  buildSync({
    stdin: { contents: text, resolveDir: path.dirname(entry), loader: "js" },
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["latentweave-source"],
    logLevel: "silent",
  });
  const ended = spawnSync(process.execPath, [script], {
    encoding: "utf8",
    env: {
      ...process.env,
      ...faultsEnvironment(
        {
          process: "worker-0",
          folder: folder.directory,
          faults: faultsOf("worker-0"),
          routes: {},
          disk: null,
        },
        {
          ...{ process: "shard-0", folder: folder.directory, faults: faultsOf("shard-0"), routes: {} },
          disk: path.join(directory, "run"),
        },
      ),
    },
  });
  if (ended.status !== 0 && ended.signal === null) throw new Error(ended.stderr);
  return { signal: ended.signal, out: ended.stdout };
}

const somewhere = [{ do: "kill", to: "shard-0", at: { step: 9, moment: "before-commit" } }];

describe("a process that strikes itself", () => {
  it("that is a worker and a shard at once does so at the moments of the one that is meant", () => {
    const both = ["worker-0", "shard-0"].map((to) => ({ do: "kill", to, at: { step: 4 } }));
    const alone = struck(
      both,
      `worker.probe("before-push", 4); own.probe("mid-checkpoint", 4); console.log("alive");`,
    );
    expect(alone.out).toBe("alive\n");
    expect(struck(both, `own.probe("before-reduce", 4);`).signal).toBe("SIGKILL");
    expect(folder.claimant(2)).toBe("shard-0");
    expect(struck(both, `worker.probe("before-compute", 4);`).signal).toBe("SIGKILL");
    expect(folder.claimant(1)).toBe("worker-0");
  });

  it("is gone at the moment, and not one instruction later", () => {
    const program = `
      own.probe("before-reduce", 9);
      own.probe("before-commit", 8);
      console.log("alive");
      own.probe("before-commit", 9);
      fs.writeFileSync(run + "/after", "");`;
    const end = struck(somewhere, program);
    expect(end.signal).toBe("SIGKILL");
    expect(existsSync(path.join(directory, "run", "after"))).toBe(false);
    expect(readJournal(folder.journal)).toMatchObject([
      { kind: "struck", fault: 1, process: "shard-0", step: 9, moment: "before-commit" },
    ]);
    // Started again it passes the same moment unharmed.
    expect(struck(somewhere, program).signal).toBeNull();
  });

  it("has a wall clock that is off, and a clock for durations that is not", () => {
    const plan = [{ do: "clock-jump", to: "shard-0", at: { step: 1 }, byMs: 3_600_000 }];
    const { out } = struck(
      plan,
      `const before = [Date.now(), performance.now()];
       own.probe("before-reduce", 1);
       const date = new Date();
       console.log(JSON.stringify([Date.now() - before[0], performance.now() - before[1], date.getTime() - before[0], date instanceof Date]));`,
    );
    const [wall, steady, made, isDate] = JSON.parse(out) as [number, number, number, boolean];
    expect(wall).toBeGreaterThanOrEqual(3_600_000);
    expect(made).toBeGreaterThanOrEqual(3_600_000);
    expect(steady).toBeLessThan(3_600_000);
    expect(isDate).toBe(true);
  });
});

describe("a disk that is only pretended", () => {
  const attempts = `
    const results = {};
    const attempt = async (name, act) => {
      try { await act(); results[name] = "done"; } catch (error) { results[name] = error.code; }
    };
    const early = fs.openSync(run + "/early", "w");
    await attempt("before", () => fs.writeSync(early, "a"));
    fs.writeFileSync(faultsDisk, state);
    await attempt("sync", () => fs.writeSync(early, "b"));
    await attempt("handle", async () => {
      const handle = await open(run + "/late", "w");
      try { await handle.writeFile("c"); } finally { await handle.close(); }
    });
    await attempt("stream", () => new Promise((resolve, reject) => {
      const stream = fs.createWriteStream(run + "/stream");
      stream.on("error", reject).on("finish", resolve).end("d");
    }));
    await attempt("mkdir", () => mkdir(run + "/folder"));
    await attempt("read", async () => (await open(run + "/early", "r")).close());
    await attempt("elsewhere", () => fs.writeFileSync(run + "-other", "e"));
    fs.rmSync(faultsDisk);
    await attempt("after", () => fs.writeSync(early, "f"));
    console.log(JSON.stringify(results));`;

  const under = (state: "full" | "read-only"): unknown =>
    JSON.parse(
      struck(
        somewhere,
        `const state = ${JSON.stringify(state)};
         const faultsDisk = ${JSON.stringify(path.join(folder.directory, "disk"))};
         ${attempts}`,
      ).out,
    );

  it("takes no more bytes when it is full, and reads and other folders are as before", () => {
    expect(under("full")).toEqual({
      before: "done",
      sync: "ENOSPC",
      handle: "ENOSPC",
      stream: "ENOSPC",
      mkdir: "done",
      read: "done",
      elsewhere: "done",
      after: "done",
    });
    expect(readFileSync(path.join(directory, "run", "early"), "utf8")).toBe("af");
  });

  it("takes neither bytes nor names when it is read-only", () => {
    expect(under("read-only")).toEqual({
      before: "done",
      sync: "EROFS",
      handle: "EROFS",
      stream: "EROFS",
      mkdir: "EROFS",
      read: "done",
      elsewhere: "done",
      after: "done",
    });
  });
});
