import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { systemClock, UserError } from "@latentweave/protocol";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createDiskPatience, diskPatienceMs } from "./disk-patience.ts";
import {
  commit,
  fill,
  openStore,
  smallLayout,
  temporaryFolder,
  wideLayout,
  writeCheckpoint,
} from "./testing/small-run.ts";

const asRoot = process.getuid?.() === 0;

/** A file system of its own, so that it can really be full; needs root, and fails loudly without. */
function mountTmpfs(kibibytes: number): string {
  const folder = temporaryFolder();
  if (!asRoot) throw new Error("these tests mount a small tmpfs: run them as root (in a container, say)");
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", folder]);
  onTestFinished(() => {
    execFileSync("umount", ["-l", folder]);
  });
  return folder;
}

function error(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe("a full disk", () => {
  it("ends a checkpoint with one clear message and leaves nothing half-written", async () => {
    const disk = mountTmpfs(256);
    const { store, directory } = openStore({ directory: path.join(disk, "run-a"), layout: wideLayout });
    await writeCheckpoint(store, wideLayout, 1, ["parameters"]); // 180 KB: fits once
    const sink = await store.beginCheckpoint(2, ["parameters"]);
    const failure = await fill(sink, wideLayout, ["parameters"]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toContain(
      `${path.join(directory, "checkpoints", "step-00000002")}: the disk is full`,
    );
    expect(String(failure)).toMatch(/to mend: {2}free some space/);
    await expect(sink.finish({})).rejects.toBe(failure);
    expect(readdirSync(path.join(directory, "checkpoints"))).toEqual(["step-00000001"]);
    expect((await store.latestCheckpoint())?.version).toBe(1);
  });

  it("leaves ledger and metrics with whole lines and tells the next caller", async () => {
    const disk = mountTmpfs(64);
    const { store, directory } = openStore({ directory: path.join(disk, "run-a") });
    const failure = await (async () => {
      for (let step = 0; step < 10_000; step++) {
        store.appendCommit(commit(step));
        if (step % 20 === 0) await new Promise(setImmediate);
      }
    })().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toContain("commits.jsonl: the disk is full");
    await expect(store.close()).rejects.toBe(failure);
    const text = readFileSync(path.join(directory, "ledger", "commits.jsonl"), "utf8");
    expect(text.endsWith("}\n")).toBe(true);
  });

  it("does not harm the old run.json", async () => {
    const disk = mountTmpfs(64);
    const { store, directory } = openStore({ directory: path.join(disk, "run-a") });
    await store.writeState({ state: "running" });
    const before = readdirSync(directory);
    await expect(store.writeState({ state: "x".repeat(100_000) })).rejects.toThrow(
      /run.json: the disk is full/,
    );
    expect(JSON.parse(readFileSync(path.join(directory, "run.json"), "utf8"))).toMatchObject({
      state: "running",
    });
    expect(readdirSync(directory)).toEqual(before);
  });
});

describe("a disk that refuses for a while", () => {
  function patientStore(disk: string): ReturnType<typeof openStore> & { said: string[] } {
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    const patience = createDiskPatience({ clock: systemClock, onRefused: say, onTaken: say });
    return { ...openStore({ directory: path.join(disk, "run-a"), patience }), said };
  }
  const taken = "the disk takes what the run keeps again";

  it("for want of room is waited for: every line is in the record once there is some", async () => {
    const disk = mountTmpfs(256);
    const { store, directory, said } = patientStore(disk);
    const filler = path.join(disk, "filler");
    expect(error(() => writeFileSync(filler, Buffer.alloc(2 ** 20)))).toBeInstanceOf(Error);
    // More than fits into the last page that the file has.
    for (let step = 0; step < 200; step++) store.appendCommit(commit(step));
    const recorded = store.recorded();
    await vi.waitFor(() => expect(said).toHaveLength(1), { timeout: 120_000 });
    expect(said[0]).toContain("commits.jsonl: the disk is full");
    // So much that it would not wait its turn any more.
    for (let row = 0; row < 30; row++) store.appendMetric("events", { text: "x".repeat(50_000) });
    for (let step = 200; step < 220; step++) store.appendCommit(commit(step));
    rmSync(filler);
    execFileSync("mount", ["-o", "remount,size=8m", disk]);
    await Promise.all([recorded, store.recorded()]);
    await store.close();
    expect(said.at(-1)).toBe(taken);
    const linesOf = (name: string): string[] =>
      readFileSync(path.join(directory, name), "utf8").trimEnd().split("\n");
    expect(linesOf("ledger/commits.jsonl").filter((line) => line.includes('"kind":"commit"'))).toHaveLength(
      220,
    );
    expect(linesOf("metrics/events.jsonl").map((line) => line.length)).toEqual(
      Array<number>(30).fill(50_011),
    );
  });

  it("because it is read-only is waited for: run.json is replaced once it can be", async () => {
    const disk = mountTmpfs(64);
    const { store, directory, said } = patientStore(disk);
    // The disk itself cannot be closed while files are open; the same once more over itself can.
    execFileSync("mount", ["--bind", disk, disk]);
    execFileSync("mount", ["-o", "remount,bind,ro", disk]);
    const written = store.writeState({ state: "running" });
    try {
      await vi.waitFor(() => expect(said).toHaveLength(1), { timeout: 120_000 });
      expect(said[0]).toContain("run.json: the file system is read-only");
    } finally {
      execFileSync("umount", [disk]);
    }
    await written;
    expect(said[1]).toBe(taken);
    expect(JSON.parse(readFileSync(path.join(directory, "run.json"), "utf8"))).toMatchObject({
      state: "running",
    });
  });

  it("is not waited for without end, nor one that will not get better", async () => {
    let nowMs = 0;
    const patience = createDiskPatience({
      clock: {
        nowMs: () => nowMs,
        after(delayMs, run) {
          nowMs += delayMs;
          queueMicrotask(run);
          return () => undefined;
        },
      },
      onRefused: () => undefined,
      onTaken: () => expect.unreachable(),
    });
    const refusal = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
    await expect(patience("file", refusal("EIO"))).rejects.toThrow("EIO");
    expect(nowMs).toBe(0);
    await expect(patience("file", refusal("ENOSPC"))).rejects.toThrow("ENOSPC");
    expect(nowMs).toBeGreaterThanOrEqual(diskPatienceMs);
    expect(nowMs).toBeLessThan(diskPatienceMs + 1_000);
    // How the run ended is kept next, and refused as well.
    const before = nowMs;
    await expect(patience("file", refusal("ENOSPC"))).rejects.toThrow("ENOSPC");
    expect(nowMs).toBe(before);
  });
});

describe("a folder that cannot be written", () => {
  it("is named when the file system is read-only", () => {
    const disk = mountTmpfs(64);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const failure = error(() => openStore({ directory: path.join(disk, "run-a") }));
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toContain(`${path.join(disk, "run-a")}: the file system is read-only`);
  });

  it("is named when permission is missing", () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    if (asRoot) process.seteuid?.(65_534); // root is allowed everything, so the test steps down
    try {
      const failure = error(() => openStore({ directory: path.join(folder, "run-a") }));
      expect(failure).toBeInstanceOf(UserError);
      expect(String(failure)).toMatch(/run-a: no permission to write here\n {2}to mend: {2}give yourself/);
    } finally {
      if (asRoot) process.seteuid?.(0);
    }
  });

  it("is named when a file lies in its place", () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, "runs"), "");
    expect(String(error(() => openStore({ directory: path.join(folder, "runs", "run-a") })))).toMatch(
      /a file lies where a folder is needed/,
    );
  });
});

describe("the run's small files", () => {
  it("replaces run.json whole and in the order of the calls", async () => {
    const { store, directory } = openStore();
    await Promise.all([1, 2, 3].map((step) => store.writeState({ step })));
    const text = readFileSync(path.join(directory, "run.json"), "utf8");
    expect(text).toMatch(/^\{\n {2}"step": 3,\n {2}"checksum": "[0-9a-f]{64}"\n\}\n$/);
    const zeros = text.replace(/[0-9a-f]{64}/, "0".repeat(64));
    expect(text).toContain(createHash("sha256").update(zeros).digest("hex"));
    expect(readdirSync(directory).filter((name) => name.startsWith(".run"))).toEqual([]);
  });

  it("cuts metrics back by their steps, wherever they stand, and keeps what has no step", async () => {
    const { store, directory } = openStore();
    for (const step of [0, 1, 3, 2, 4]) store.appendMetric("workers", { step, worker: "w" });
    store.appendMetric("events", { atMs: 5, text: "worker-2 was lost" });
    await store.rewindMetrics(3);
    store.appendMetric("workers", { step: 3, worker: "again" });
    await store.close();
    const rows = readFileSync(path.join(directory, "metrics", "workers.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual([
      { step: 0, worker: "w" },
      { step: 1, worker: "w" },
      { step: 2, worker: "w" },
      { step: 3, worker: "again" },
    ]);
    expect(statSync(path.join(directory, "metrics", "events.jsonl")).size).toBeGreaterThan(20);
  });

  it("has each step's row once, where a killed coordinator wrote it and not the commit", async () => {
    const { store, directory } = openStore();
    for (const step of [0, 1, 2]) {
      if (step < 2) store.appendCommit(commit(step));
      store.appendMetric("steps", { step, by: "the one before" });
    }
    await store.close();
    const { store: next } = openStore({ directory });
    next.appendMetric("steps", { step: 2, by: "the successor" });
    await next.close();
    const rows = readFileSync(path.join(directory, "metrics", "steps.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual([
      { step: 0, by: "the one before" },
      { step: 1, by: "the one before" },
      { step: 2, by: "the successor" },
    ]);
  });

  it("has the ledger on disk before a checkpoint appears", async () => {
    const { store, directory } = openStore();
    store.appendCommit(commit(0));
    await writeCheckpoint(store, smallLayout, 1);
    expect(readFileSync(path.join(directory, "ledger", "commits.jsonl"), "utf8")).toContain('"step":0');
  });
});

describe("the lock of a run", () => {
  it("is taken over from a holder that was killed and that nobody has buried yet", async () => {
    const { store, directory } = openStore();
    const own = JSON.parse(readFileSync(path.join(directory, ".lock"), "utf8")) as object;
    await store.close();
    writeFileSync(
      path.join(directory, ".lock"),
      JSON.stringify({ ...own, ...startIdentity(await zombie()) }),
    );
    await openStore({ directory }).store.close();
  });

  it("keeps a second process out and names the first", async () => {
    const folder = path.join(temporaryFolder(), "run-a");
    mkdirSync(folder);
    const { store } = openStore({ directory: folder });
    const held = JSON.parse(readFileSync(path.join(folder, ".lock"), "utf8")) as { pid: number };
    expect(held.pid).toBe(process.pid);
    await store.close();
    expect(readdirSync(folder)).not.toContain(".lock");
    const parent = startIdentity(process.ppid);
    writeFileSync(path.join(folder, ".lock"), JSON.stringify({ ...held, ...parent }));
    expect(() => openStore({ directory: folder })).toThrow(`this run is in use by process ${process.ppid}`);
  });

  it("is taken over from a holder that is gone, or whose number has gone to another process", async () => {
    const { store, directory } = openStore();
    const own = JSON.parse(readFileSync(path.join(directory, ".lock"), "utf8")) as object;
    await store.close();
    for (const holder of [{ pid: 2 ** 22 + 1 }, { pid: process.ppid, started: "another boot 1" }]) {
      writeFileSync(path.join(directory, ".lock"), JSON.stringify({ ...own, ...holder }));
      const again = openStore({ directory });
      await again.store.close();
    }
    appendFileSync(path.join(directory, ".lock"), "garbage");
    await openStore({ directory }).store.close();
  });
});

/** A child that has ended and whose parent, busy with something else, never asks. */
async function zombie(): Promise<number> {
  const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 1000"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z "), {
    timeout: 120_000,
  });
  return pid;
}

function startIdentity(pid: number): { pid: number; started: string } {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return { pid, started: `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""}` };
}
