import { makesVoid, type TimelineRecord } from "@latentweave/protocol";

/**
 * The version digests that the record has named so far. A version that was made again must have the digest that it had;
 * only a conviction makes those after it void (docs/checkpoints.md, "Timelines").
 */
export interface VersionDigests {
  /** @returns what is wrong, or undefined; an empty digest says nothing */
  note(version: number, digest: string): string | undefined;
  of(version: number): string | undefined;
  begin(timeline: TimelineRecord): void;
}

export function createVersionDigests(): VersionDigests {
  const known = new Map<number, string>();
  return {
    note(version, digest) {
      if (digest === "") return undefined;
      const before = known.get(version);
      if (before === undefined) known.set(version, digest);
      if (before === undefined || before === digest) return undefined;
      return `version ${version} has the digest ${short(digest)}, before it had ${short(before)}`;
    },
    of: (version) => known.get(version),
    begin(timeline) {
      if (!makesVoid(timeline)) return;
      const { fromVersion } = timeline;
      for (const version of known.keys()) if (version > fromVersion) known.delete(version);
    },
  };
}

export function short(digest: string): string {
  return `${digest.slice(0, 12)}…`;
}
