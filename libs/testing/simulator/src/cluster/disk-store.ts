import { createHash } from "node:crypto";
import type { ParameterLayout } from "@latentweave/parameters";
import type {
  CheckpointSink,
  CheckpointSource,
  CommitRecord,
  LedgerEnd,
  RunStore,
  TimelineRecord,
  VersionRecord,
} from "@latentweave/protocol";
import { parameterHash } from "../memory-store.ts";
import type { Disk } from "../world/disk.ts";
import { openLineFile, readChain } from "./line-file.ts";
import type { SlowDisk } from "./slow-disk.ts";

/** Where the store may be made to forget something that the real one does, to see that the simulator notices. */
export interface StoreOmissions {
  readonly syncBeforePublishing?: boolean;
  readonly syncFolderAfterRename?: boolean;
  readonly syncFiles?: boolean;
  readonly checksums?: boolean;
  /** A commit that the ledger has already is written once more. */
  readonly idempotency?: boolean;
  /** What was appended counts as recorded before it is written. */
  readonly waitForRecord?: boolean;
  /** The run's state keeps the generation that it had. */
  readonly generation?: boolean;
}

export interface DiskStore extends RunStore {
  /** The newest run state that is on the disk. */
  readState(): Readonly<Record<string, unknown>> | undefined;
}

export const ledgerPath = "ledger";
const statePath = "run.json";
const checkpointsPath = "checkpoints";
const keptCheckpoints = 2;

/** One line of the ledger. */
export type LedgerLine =
  | (CommitRecord & { readonly kind: "commit" })
  | (VersionRecord & { readonly kind: "version" })
  | (TimelineRecord & { readonly kind: "timeline" });

/** The commits in effect, and where the ledger ends. */
export function ledgerState(lines: readonly LedgerLine[]): {
  readonly commits: readonly CommitRecord[];
  readonly versions: readonly VersionRecord[];
  readonly end: LedgerEnd;
} {
  let commits: CommitRecord[] = [];
  let versions: VersionRecord[] = [];
  let end: LedgerEnd = { timeline: 0, nextStep: 0 };
  for (const line of lines) {
    if (line.kind === "commit") {
      commits.push(line);
      end = { timeline: line.timeline, nextStep: line.step + 1 };
    } else if (line.kind === "version") versions.push(line);
    else {
      commits = commits.filter(({ step }) => step < line.fromVersion);
      versions = versions.filter(({ version }) => version <= line.fromVersion);
      end = { timeline: line.timeline, nextStep: line.fromVersion };
    }
  }
  return { commits, versions, end };
}

/**
 * The run store's order of writes, syncs and renames (libs/runtime/checkpoint) on a simulated disk, in small: data
 * synced, manifest synced, ledger synced, then one rename, then the folder. Metrics are not kept.
 */
export function openDiskStore(slow: SlowDisk, layout: ParameterLayout, omit: StoreOmissions = {}): DiskStore {
  const { disk } = slow;
  disk.makeFolder(checkpointsPath);
  disk.syncFolder("");
  const ledger = openLineFile(slow, ledgerPath);
  disk.syncFolder("");
  for (const name of disk.list(checkpointsPath))
    if (name.startsWith(".")) disk.remove(`${checkpointsPath}/${name}`);
  let state: Promise<unknown> = Promise.resolve();
  let writing = 0;
  const found = ledgerState(readLedger(disk));
  let { end } = found;
  let lastVersion = found.versions.at(-1)?.version ?? -1;
  const append = (line: LedgerLine): void => ledger.append(JSON.stringify(line));

  const writeAll = async (path: string, bytes: Uint8Array, run = slow.run): Promise<void> => {
    await run(() => {
      // One that was killed may have left a longer one.
      if (disk.exists(path)) disk.remove(path);
      disk.write(path, 0, bytes);
    });
    if (omit.syncFiles !== true) await slow.run(() => disk.sync(path));
  };
  const publish = async (from: string, to: string, folder: string): Promise<void> => {
    await slow.run(() => {
      if (disk.exists(to)) disk.remove(to);
      disk.rename(from, to);
    });
    if (omit.syncFolderAfterRename !== true) await slow.run(() => disk.syncFolder(folder));
  };

  return {
    get ledgerEnd() {
      return end;
    },
    appendCommit(record) {
      const known =
        record.timeline < end.timeline || (record.timeline === end.timeline && record.step < end.nextStep);
      if (known && omit.idempotency !== true) return false;
      if (!known && (record.timeline > end.timeline || record.step > end.nextStep))
        throw new RangeError(
          `step ${record.step} of timeline ${record.timeline} does not follow: the ledger expects step ${end.nextStep} of ${end.timeline}`,
        );
      append({ kind: "commit", ...record });
      if (!known) end = { ...end, nextStep: record.step + 1 };
      return true;
    },
    appendVersion(record) {
      if (record.timeline !== end.timeline || record.version <= lastVersion) return;
      append({ kind: "version", ...record });
      lastVersion = record.version;
    },
    async appendTimeline(record) {
      if (record.timeline <= end.timeline)
        throw new RangeError(`timeline ${record.timeline} does not follow timeline ${end.timeline}`);
      append({ kind: "timeline", ...record });
      end = { timeline: record.timeline, nextStep: record.fromVersion };
      lastVersion = -1;
      await ledger.sync();
    },
    recorded: () => (omit.waitForRecord === true ? Promise.resolve() : ledger.written()),
    appendMetric: () => undefined,
    writeState(next) {
      const text = Buffer.from(JSON.stringify(next));
      const write = async (): Promise<void> => {
        const temporary = `.run.json.${(writing += 1)}`;
        await writeAll(temporary, text, slow.runPatiently);
        await slow.run(() => disk.rename(temporary, statePath));
        if (omit.syncFolderAfterRename !== true) await slow.run(() => disk.syncFolder(""));
      };
      const written = state.then(write, write);
      written.catch(() => undefined);
      state = written;
      return written;
    },
    readState() {
      if (!disk.exists(statePath)) return undefined;
      try {
        return JSON.parse(disk.read(statePath).toString("utf8")) as Readonly<Record<string, unknown>>;
      } catch {
        return undefined;
      }
    },
    beginCheckpoint: async (version, sections) =>
      beginCheckpoint({ slow, layout, version, sections, writeAll, publish, omit, ledger }),
    latestCheckpoint: (notAbove = Number.MAX_SAFE_INTEGER) =>
      slow.run(() => newestCheckpoint(disk, layout, Math.min(notAbove, end.nextStep), omit)),
    // Jobs that are simulated here keep no best checkpoint.
    best: undefined,
    markBest: () => undefined,
    rewindMetrics: async () => undefined,
    async close() {
      await state;
      await ledger.sync();
    },
  };
}

function beginCheckpoint(options: {
  readonly slow: SlowDisk;
  readonly layout: ParameterLayout;
  readonly version: number;
  readonly sections: readonly string[];
  readonly writeAll: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly publish: (from: string, to: string, folder: string) => Promise<void>;
  readonly omit: StoreOmissions;
  readonly ledger: { sync(): Promise<void> };
}): CheckpointSink {
  const { slow, layout, version, sections } = options;
  const { disk } = slow;
  const numbers = layout.groups.reduce((sum, group) => sum + group.numbers, 0);
  const data = new Map(sections.map((section) => [section, Buffer.alloc(numbers * 4)]));
  const missing = new Map(sections.map((section) => [section, numbers]));
  const folder = `${checkpointsPath}/.writing-${version}`;
  const offsets = offsetsOf(layout);
  let over = false;
  return {
    async write(section, slice, bytes) {
      const target = data.get(section);
      if (!target || over) throw new Error(`no section "${section}" to write, or the checkpoint is over`);
      target.set(bytes, ((offsets[slice.group] ?? 0) + slice.start) * 4);
      missing.set(section, (missing.get(section) ?? 0) - slice.numbers);
    },
    async finish(meta) {
      over = true;
      for (const [section, count] of missing)
        if (count !== 0)
          throw new Error(`section "${section}" of checkpoint ${version}: ${count} numbers missing`);
      const hash = parameterHash(layout, groupsOf(layout, data.get("parameters") as Buffer));
      await slow.run(() => {
        if (disk.exists(folder)) disk.remove(folder);
        disk.makeFolder(folder);
      });
      const digests: Record<string, string> = {};
      for (const [section, bytes] of data) {
        await options.writeAll(`${folder}/${section}`, bytes);
        digests[section] = digest(bytes);
      }
      const text = JSON.stringify({ version, sections, hash, meta, digests });
      await options.writeAll(`${folder}/manifest`, Buffer.from(`${digest(Buffer.from(text))} ${text}`));
      if (options.omit.syncFiles !== true) await slow.run(() => disk.syncFolder(folder));
      if (options.omit.syncBeforePublishing !== true) await options.ledger.sync();
      await options.publish(folder, `${checkpointsPath}/${nameOf(version)}`, checkpointsPath);
      await slow.run(() => {
        const names = disk.list(checkpointsPath).filter((name) => !name.startsWith("."));
        for (const name of names.sort().slice(0, -keptCheckpoints)) disk.remove(`${checkpointsPath}/${name}`);
      });
      return { hash };
    },
    async abandon() {
      over = true;
      await slow.run(() => {
        if (disk.exists(folder)) disk.remove(folder);
      });
    },
  };
}

interface Manifest {
  readonly version: number;
  readonly sections: readonly string[];
  readonly hash: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly digests: Readonly<Record<string, string>>;
}

/** The newest checkpoint whose checksums hold and that the ledger reaches. */
export function newestCheckpoint(
  disk: Disk,
  layout: ParameterLayout,
  nextStep: number,
  omit: StoreOmissions = {},
): CheckpointSource | undefined {
  const names = disk.list(checkpointsPath).filter((name) => !name.startsWith("."));
  for (const name of names.sort().reverse()) {
    const source = openCheckpoint(disk, `${checkpointsPath}/${name}`, layout, omit.checksums !== true);
    if (source && source.version <= nextStep) return source;
  }
  return undefined;
}

function openCheckpoint(
  disk: Disk,
  folder: string,
  layout: ParameterLayout,
  check: boolean,
): CheckpointSource | undefined {
  try {
    const file = disk.read(`${folder}/manifest`).toString("utf8");
    const text = file.slice(file.indexOf(" ") + 1);
    if (check && digest(Buffer.from(text)) !== file.slice(0, file.indexOf(" "))) return undefined;
    const manifest = JSON.parse(text) as Manifest;
    const data = new Map(manifest.sections.map((section) => [section, disk.read(`${folder}/${section}`)]));
    for (const [section, bytes] of data)
      if (check && digest(bytes) !== manifest.digests[section]) return undefined;
    const offsets = offsetsOf(layout);
    const { version, sections, hash, meta } = manifest;
    return {
      ...{ version, sections, hash, meta },
      async read(section, slice) {
        const at = ((offsets[slice.group] ?? 0) + slice.start) * 4;
        return Uint8Array.from((data.get(section) as Buffer).subarray(at, at + slice.numbers * 4));
      },
    };
  } catch {
    return undefined;
  }
}

/** What the ledger holds, as whoever opens the run finds it. */
export function readLedger(disk: Disk): LedgerLine[] {
  return readChain(disk, ledgerPath).map(({ text }) => JSON.parse(text) as LedgerLine);
}

export function checkpointFiles(disk: Disk): string[] {
  if (!disk.exists(checkpointsPath)) return [];
  return (
    disk
      .list(checkpointsPath)
      // Nobody has said of one that is still being written that it is there.
      .filter((name) => !name.startsWith("."))
      .flatMap((name) =>
        disk.list(`${checkpointsPath}/${name}`).map((file) => `${checkpointsPath}/${name}/${file}`),
      )
  );
}

/** The version of the checkpoint that a file belongs to. */
export function checkpointOf(file: string): number {
  return Number(/step-(\d+)/.exec(file)?.[1]);
}

function nameOf(version: number): string {
  return `step-${String(version).padStart(8, "0")}`;
}

/** First number of each group, in a file of all groups one after the other. */
function offsetsOf(layout: ParameterLayout): number[] {
  let offset = 0;
  return layout.groups.map(({ numbers }) => {
    offset += numbers;
    return offset - numbers;
  });
}

function groupsOf(layout: ParameterLayout, bytes: Buffer): Float32Array[] {
  const all = new Float32Array(Uint8Array.from(bytes).buffer);
  const offsets = offsetsOf(layout);
  return layout.groups.map(({ numbers }, index) =>
    all.slice(offsets[index] ?? 0, (offsets[index] ?? 0) + numbers),
  );
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
