import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { addons, ensureAddon } from "@latentweave/native";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { loadPageMap } from "./page-map.ts";
import { sweep, vaultFile } from "./sweep.ts";
import { headerBytes } from "./vault-header.ts";
import { finalWord, type HolderAnswer, type HolderOrder } from "./testing/holder.ts";

/** Real processes, real files, real kills: nothing here can be tested with less. */
const addon = await ensureAddon(addons.pageMap);
const tools = fs.mkdtempSync(path.join(os.tmpdir(), "vault-tools-"));
const script = path.join(tools, "holder.mjs");
let folder: string;
let order: HolderOrder;

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL("testing/holder.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["latentweave-source"],
    logLevel: "silent",
  }),
);
afterAll(() => fs.rmSync(tools, { recursive: true }));
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir(), "vault-test-"));
  order = { directories: [folder], name: "run-shard-0", identity: "run 1", pages: 3, then: "end" };
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Holder {
  readonly answer: HolderAnswer;
  kill(): Promise<void>;
  readonly ended: Promise<unknown>;
}

async function start(change: Partial<HolderOrder> = {}, node = process.execPath): Promise<Holder> {
  const child = spawn(node, [script, JSON.stringify({ ...order, ...change })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  if (text === "") throw new Error("the holder said nothing");
  return {
    answer: JSON.parse(text) as HolderAnswer,
    ended: exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** A holder that ends by itself. */
async function run(change: Partial<HolderOrder> = {}, node = process.execPath): Promise<HolderAnswer> {
  const { answer, ended } = await start(change, node);
  await ended;
  return answer;
}

const file = (): string => vaultFile(folder, order.name);

function otherNode(major: number): string {
  const tool = fileURLToPath(new URL("../../../../tools/ci/node-versions.mjs", import.meta.url));
  return execFileSync(process.execPath, [tool, String(major)], { encoding: "utf8" }).trim();
}

describe.skipIf(addon.kind === "unavailable")("memory in a vault", () => {
  it("is fresh and zero the first time, and belongs to its user alone", async () => {
    const holder = await start({ then: "wait" });
    expect(holder.answer).toMatchObject({
      adoption: "fresh",
      file: file(),
      first: 0,
      different: 0,
      said: [],
    });
    expect(fs.statSync(file()).mode & 0o777).toBe(0o600);
    await holder.kill();
  });

  it("has, after kill -9 at any moment, exactly what was written up to then", async () => {
    let reached = 0;
    for (let round = 0; round < 8; round++) {
      const holder = await start({ then: "count" });
      const { adoption, first, last } = holder.answer;
      expect(adoption).toBe(round === 0 ? "fresh" : "kept");
      // Two writes in a row: a kill comes before both, between them or after both.
      expect([first - 1, first]).toContain(last);
      expect(first).toBeGreaterThanOrEqual(reached);
      reached = first;
      const counter = fs.openSync(file(), "r");
      const word = Buffer.alloc(4);
      do fs.readSync(counter, word, 0, 4, headerBytes);
      while (word.readUInt32LE() <= reached + 1_000);
      fs.closeSync(counter);
      await holder.kill();
      reached = word.readUInt32LE();
    }
  });

  it("stays in the vault when the memory grows, up to the instruction before the kill", async () => {
    await run({ then: "write-and-die", pages: 40 });
    const found = await run({ pages: 40 });
    expect(found).toMatchObject({ adoption: "kept", first: finalWord, last: finalWord, different: 0 });
  });

  it.each([20, 22, 24])(
    "goes from one version of Node.js to another: from this one to %i and back",
    async (major) => {
      const node = otherNode(major);
      await run({ then: "write-and-die" });
      expect(await run({ then: "write-and-die" }, node)).toMatchObject({
        adoption: "kept",
        first: finalWord,
      });
      expect(await run()).toMatchObject({ adoption: "kept", first: finalWord, different: 0 });
    },
  );

  it("is free for the successor although a process that the holder started lives on", async () => {
    const holder = await start({ then: "fork" });
    await holder.kill();
    const { childPid } = holder.answer;
    try {
      expect(await run()).toMatchObject({ adoption: "kept", said: [] });
    } finally {
      if (childPid !== undefined) process.kill(childPid, "SIGKILL");
    }
  });

  it("is gone after the run's regular end", async () => {
    await run({ then: "discard" });
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(addon.kind === "unavailable")("what a vault does not give away", () => {
  it("the memory of a process that lives: a second one works without a vault and says so", async () => {
    const holder = await start({ then: "wait" });
    const second = await run();
    expect(second.adoption).toBe("none");
    expect(second.said.join()).toMatch(/will not outlive.*last checkpoint: another process holds/);
    await holder.kill();
    expect((await run()).adoption).toBe("kept");
  });

  it.each<readonly [string, Partial<HolderOrder>, RegExp]>([
    ["of another identity", { identity: "run 2" }, /what another run left; it is replaced/],
    ["of another size", { pages: 4 }, /what another run left; it is replaced/],
  ])("bytes %s: it is replaced by zeros, with one line", async (_, change, line) => {
    await run({ then: "write-and-die" });
    const next = await run(change);
    expect(next).toMatchObject({ adoption: "fresh", first: 0, different: 0 });
    expect(next.said).toEqual([expect.stringMatching(line)]);
  });

  it.each([0, 9, 13, 17, 24, 33])("bytes after a header that was damaged at byte %i", async (at) => {
    await run({ then: "write-and-die" });
    const bytes = fs.openSync(file(), "r+");
    const byte = Buffer.alloc(1);
    fs.readSync(bytes, byte, 0, 1, at);
    fs.writeSync(bytes, Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, at);
    fs.closeSync(bytes);
    const next = await run();
    expect(next).toMatchObject({ adoption: "fresh", first: 0, different: 0 });
    expect(next.said).toEqual([expect.stringMatching(/a damaged header; it is replaced/)]);
  });

  it("bytes of a file that was cut short", async () => {
    await run({ then: "write-and-die" });
    fs.truncateSync(file(), headerBytes + 5);
    expect(await run()).toMatchObject({ adoption: "fresh", first: 0, different: 0 });
  });

  it("through a link in its place", async () => {
    fs.writeFileSync(path.join(folder, "elsewhere"), "x");
    fs.symlinkSync(path.join(folder, "elsewhere"), file());
    const next = await run();
    expect(next.adoption).toBe("none");
    expect(fs.readFileSync(path.join(folder, "elsewhere"), "utf8")).toBe("x");
  });
});

describe.skipIf(addon.kind === "unavailable")("where memory is short or forbidden", () => {
  it("the next folder is taken, with a line, and found again", async () => {
    const forbidden = path.join(folder, "forbidden");
    fs.writeFileSync(forbidden, "a file, no folder");
    const disk = fs.mkdtempSync(path.join(os.tmpdir(), "vault-disk-"));
    try {
      const directories = [forbidden, disk];
      const first = await run({ directories, then: "write-and-die" });
      expect(first).toMatchObject({ adoption: "fresh", file: vaultFile(disk, order.name) });
      expect(first.said).toEqual([expect.stringMatching(/is kept in .*vault-disk.*ENOTDIR/)]);
      expect(await run({ directories })).toMatchObject({ adoption: "kept", first: finalWord, said: [] });
      // What was forbidden meanwhile works, and still the bytes are found where they are.
      expect(await run({ directories: [folder, disk] })).toMatchObject({
        adoption: "kept",
        first: finalWord,
      });
    } finally {
      fs.rmSync(disk, { recursive: true });
    }
  });

  it("without any folder the process works without a vault, and says what that costs", async () => {
    const next = await run({ directories: [path.join(folder, "absent")] });
    expect(next).toMatchObject({ adoption: "none", first: 0 });
    expect(next.said).toEqual([expect.stringMatching(/last checkpoint: .*absent: ENOENT/)]);
  });

  const isolate = ["unshare", ["--mount", "--map-root-user"]] as const;
  it.skipIf(spawnSync(isolate[0], [...isolate[1], "true"]).status !== 0)(
    "a memory file system of a container's size is not filled to the brim: the reason is said",
    async () => {
      const small = path.join(folder, "small");
      fs.mkdirSync(small);
      const inside = `mount -t tmpfs -o size=1m tmpfs ${small} && exec "$0" "$@"`;
      const text = JSON.stringify({ ...order, directories: [small], pages: 40 });
      const output = execFileSync(isolate[0], [
        ...isolate[1],
        "sh",
        "-c",
        inside,
        process.execPath,
        script,
        text,
      ]);
      const answer = JSON.parse(output.toString()) as HolderAnswer;
      expect(answer.adoption).toBe("none");
      expect(answer.said.join()).toMatch(/2686976 bytes are needed, 1\d{6} are free/);
    },
  );

  it("what killed runs left goes after a while, and what is held or fresh stays", async () => {
    await run({ name: "old", then: "write-and-die" });
    await run({ name: "recent", then: "write-and-die" });
    const living = await start({ name: "living", then: "wait" });
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of ["old", "living"]) fs.utimesSync(vaultFile(folder, name), longAgo, longAgo);
    fs.writeFileSync(path.join(folder, "somebody-elses"), "");
    fs.utimesSync(path.join(folder, "somebody-elses"), longAgo, longAgo);
    expect((await run()).adoption).toBe("fresh");
    const names = ["recent", "living", order.name].map((name) => path.basename(vaultFile(folder, name)));
    expect(fs.readdirSync(folder).sort()).toEqual([...names, "somebody-elses"].sort());
    await living.kill();
  });

  it("of a run that is over, what its killed shards left goes at once, and nothing else", async () => {
    const of = (name: string): string => `7-${name.slice(0, 8)}-shard-0`;
    await run({ name: of("thisrun0"), then: "write-and-die" });
    await run({ name: of("another0"), then: "write-and-die" });
    const living = await start({ name: "7-thisrun0-shard-1", then: "wait" });
    const pages = loadPageMap();
    if (typeof pages === "string") throw new Error(pages);
    const gone = vaultFile(folder, of("thisrun0"));
    expect(sweep(pages, folder, { names: "7-thisrun0-shard-", idleMs: 0 })).toEqual([gone]);
    expect(fs.readdirSync(folder)).toHaveLength(2);
    await living.kill();
  });

  it("switched off, memory ends with its process, which says so", async () => {
    vi.stubEnv("LATENTWEAVE_VAULT", "off");
    try {
      const next = await run();
      expect(next).toMatchObject({ adoption: "none" });
      expect(next.said).toEqual([expect.stringMatching(/last checkpoint: .*LATENTWEAVE_VAULT=off/)]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
