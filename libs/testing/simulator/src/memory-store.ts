import { createHash } from "node:crypto";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import type {
  BestVersion,
  CheckpointSource,
  CommitRecord,
  LedgerEnd,
  RunStore,
  VersionRecord,
} from "@latentweave/protocol";

/** A run store that keeps everything in memory: what a test looks at, and what a simulated restart finds. */
export interface MemoryRunStore extends RunStore {
  /** Those in effect. */
  readonly commits: readonly CommitRecord[];
  readonly versions: readonly VersionRecord[];
  readonly hashes: ReadonlyMap<number, string>;
  readonly state: Readonly<Record<string, unknown>>;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Rows of the series `steps`, in order. */
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

/** `before`: a checkpoint of a run that goes on; the store has nothing else of it. */
export function createMemoryStore(layout: ParameterLayout, before?: CheckpointSource): MemoryRunStore {
  const commits: CommitRecord[] = [];
  const versions: VersionRecord[] = [];
  let end: LedgerEnd = { timeline: 0, nextStep: 0 };
  const events: Readonly<Record<string, unknown>>[] = [];
  const steps: Readonly<Record<string, unknown>>[] = [];
  const checkpoints = new Map<number, CheckpointSource>(before ? [[before.version, before]] : []);
  const hashes = new Map<number, string>();
  let state: Readonly<Record<string, unknown>> = {};
  let best: BestVersion | undefined;
  return {
    commits,
    versions,
    hashes,
    events,
    steps,
    get state() {
      return state;
    },
    get ledgerEnd() {
      return end;
    },
    appendCommit(record) {
      if (record.timeline < end.timeline || record.step < end.nextStep) return false;
      // A store that begins with a run that goes on has none of what was before.
      if (record.timeline > end.timeline || (record.step > end.nextStep && commits.length > 0))
        throw new RangeError(`step ${record.step} does not follow step ${end.nextStep - 1} of the ledger`);
      commits.push(record);
      end = { ...end, nextStep: record.step + 1 };
      return true;
    },
    appendVersion(record) {
      if (record.timeline !== end.timeline || versions.some(({ version }) => version >= record.version))
        return;
      versions.push(record);
    },
    async appendTimeline({ timeline, fromVersion, reason }) {
      end = { timeline, nextStep: fromVersion };
      // Kept as the steps in effect: what a reader of the ledger sees.
      commits.splice(0, commits.length, ...commits.filter((record) => record.step < fromVersion));
      versions.splice(0, versions.length, ...versions.filter(({ version }) => version <= fromVersion));
      if (reason === "convicted")
        for (const version of checkpoints.keys()) if (version > fromVersion) checkpoints.delete(version);
      if (reason === "convicted" && best && best.version > fromVersion) best = undefined;
    },
    recorded: async () => undefined,
    appendMetric(series, row) {
      if (series === "events") events.push(row);
      if (series === "steps") steps.push(row);
    },
    writeState: async (next) => {
      state = next;
    },
    async beginCheckpoint(version, names) {
      const sections = new Map(
        names.map((name) => [name, layout.groups.map((group) => new Float32Array(group.numbers))]),
      );
      return {
        async write(section, slice, bytes) {
          const group = sections.get(section)?.[slice.group];
          if (!group) throw new RangeError(`no section "${section}" or group ${slice.group}`);
          new Uint8Array(group.buffer, slice.start * 4, slice.numbers * 4).set(bytes);
        },
        async finish(meta) {
          const hash = parameterHash(layout, sections.get("parameters") ?? []);
          // As the manifest is: through JSON.
          const kept = JSON.parse(JSON.stringify(meta)) as Readonly<Record<string, unknown>>;
          checkpoints.set(version, { ...sourceOf(version, sections), hash, meta: kept });
          hashes.set(version, hash);
          return { hash };
        },
        abandon: async () => undefined,
      };
    },
    async latestCheckpoint(notAbove = Number.MAX_SAFE_INTEGER) {
      return checkpoints.get(Math.max(...[...checkpoints.keys()].filter((version) => version <= notAbove)));
    },
    get best() {
      return best;
    },
    markBest(marked) {
      best = marked;
    },
    rewindMetrics: async () => undefined,
    close: async () => undefined,
  };
}

function sourceOf(version: number, sections: ReadonlyMap<string, readonly Float32Array[]>): CheckpointSource {
  return {
    version,
    sections: [...sections.keys()],
    async read(section: string, slice: Slice) {
      const group = sections.get(section)?.[slice.group] as Float32Array;
      return new Uint8Array(group.buffer, slice.start * 4, slice.numbers * 4).slice();
    },
  };
}

/** The hash of docs/architecture.md: tensors by name, each with dtype, shape and bytes. */
export function parameterHash(layout: ParameterLayout, groups: readonly Float32Array[]): string {
  const hash = createHash("sha256");
  const tensors = layout.groups.flatMap((group) =>
    group.tensors.map((tensor) => ({ group: group.index, tensor })),
  );
  tensors.sort((a, b) => Buffer.compare(Buffer.from(a.tensor.name), Buffer.from(b.tensor.name)));
  for (const { group, tensor } of tensors) {
    const numbers = groups[group] as Float32Array;
    hash.update(`${tensor.name}\0F32\0${tensor.shape.join(",")}\0`);
    hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset + tensor.offset * 4, tensor.numbers * 4));
  }
  return hash.digest("hex");
}
