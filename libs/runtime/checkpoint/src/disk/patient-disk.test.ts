import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createLayout } from "@latentweave/parameters";
import { build } from "esbuild";
import { describe, expect, it, vi } from "vitest";
import { parameterHash } from "../hash-of-path.ts";
import { openStore, temporaryFolder, wideLayout, writeCheckpoint } from "../testing/small-run.ts";
import { plainDisk } from "./checkpoint-disk.ts";
import { createDigestProcess } from "./digest-process.ts";
import { createDiskThread } from "./disk-thread.ts";
import { createPatientDisk } from "./patient-disk.ts";
import type { WrittenFiles } from "./digest-files.ts";

const isLinux = process.platform === "linux";

async function written(): Promise<WrittenFiles> {
  const { store, directory } = openStore({ layout: wideLayout });
  await writeCheckpoint(store, wideLayout, 3);
  await store.close();
  const folder = path.join(directory, "checkpoints", "step-00000003");
  return {
    ...{ folder, layout: wideLayout, sections: ["parameters", "m", "v"] },
    metadata: { runId: "run-a", version: "3" },
  };
}

/** Of this process; those that are no more have no command line. */
function digestProcesses(): number[] {
  const text = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, args = ""] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    return args.startsWith("latentweave digests") ? [Number(pid)] : [];
  });
}

describe("digests by a process of their own", () => {
  it("are those of this process, one after the other and side by side", async () => {
    const files = await written();
    const disk = createPatientDisk(0);
    const expected = await plainDisk.digest(files);
    expect(await Promise.all([disk.digest(files), disk.digest(files)])).toEqual([expected, expected]);
    expect(await disk.digest(files)).toEqual(expected);
  });

  it("fail with the system's error and its code", async () => {
    const files = { ...(await written()), folder: temporaryFolder() };
    await expect(createDigestProcess().digest(files)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(createPatientDisk(0).digest(files)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.runIf(isLinux)(
    "give way to everybody, and one that is killed is done without and started again",
    async () => {
      const before = new Set(digestProcesses());
      const files = await written();
      const expected = await plainDisk.digest(files);
      const disk = createPatientDisk(0);
      await disk.digest(files);
      const [pid = 0] = digestProcesses().filter((one) => !before.has(one));
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])).toBe(19);
      process.kill(pid, "SIGSTOP");
      const stopped = disk.digest(files);
      process.kill(pid, "SIGKILL");
      expect(await stopped).toEqual(expected);
      expect(await disk.digest(files)).toEqual(expected);
      expect(digestProcesses().filter((one) => !before.has(one))).not.toContain(pid);
    },
  );

  it.runIf(isLinux)("end with whoever started them, however that ends", async () => {
    const folder = temporaryFolder();
    await build({
      entryPoints: {
        digesting: fileURLToPath(new URL("../testing/digesting.ts", import.meta.url)),
        "digest-process": fileURLToPath(new URL("digest-process.entry.ts", import.meta.url)),
      },
      ...{ outdir: folder, bundle: true, platform: "node", format: "esm", logLevel: "silent" },
      conditions: ["latentweave-source"],
    });
    writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
    const files = path.join(folder, "files.json");
    writeFileSync(files, JSON.stringify(await written()));
    const child = spawn(process.execPath, [path.join(folder, "digesting.js"), files], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const pid = Number(String(line).trim());
    expect(() => process.kill(pid, 0)).not.toThrow();
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 60_000 });
  });
});

describe.runIf(isLinux)("digests of little", () => {
  it("take no process", async () => {
    const before = digestProcesses();
    const files = await written();
    expect(await createPatientDisk().digest(files)).toEqual(await plainDisk.digest(files));
    expect(digestProcesses()).toEqual(before);
  });
});

describe("the hash of the parameters", () => {
  it("is that of the file, read tensor by tensor, where tensors lie across the pieces that are read", async () => {
    const initialiser = { kind: "constant", value: 0 } as const;
    const shapes = { "z/kernel": [700, 500], "a/kernel": [9, 70_001], "m/bias": [3] };
    const layout = createLayout([
      {
        ...{ name: "large", tasks: ["digits"] },
        tensors: Object.entries(shapes).map(([name, shape]) => ({ name, shape, initialiser })),
      },
    ]);
    const { store, directory } = openStore({ layout });
    const { hash } = await writeCheckpoint(store, layout, 3);
    await store.close();
    expect(await parameterHash(path.join(directory, "checkpoints", "step-00000003"))).toBe(hash);
  });
});

describe("a disk that waits for its moment", () => {
  it("writes all the same, sooner once nobody computes, and what it writes is the same", async () => {
    const file = path.join(temporaryFolder(), "bytes");
    const disk = createDiskThread(true);
    const bytes = new Uint8Array(new SharedArrayBuffer(7 * 2 ** 20)).map((_, at) => at % 251);
    for (const nobodyComputes of [false, true]) {
      disk.nobodyComputes(nobodyComputes);
      const descriptor = openSync(file, "w");
      await disk.write(descriptor, bytes, 3);
      closeSync(descriptor);
      expect(readFileSync(file).subarray(3).equals(bytes)).toBe(true);
    }
  });
});
