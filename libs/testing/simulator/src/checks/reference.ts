import { planStep, type RunSpec, type StepPlan } from "@latentweave/plan";
import type { CommitRecord, MessageOf } from "@latentweave/protocol";
import type { Outgoing } from "../world/connection.ts";

/** What the undisturbed run does, to the bit: what every disturbed one is held against. */
export interface Reference {
  /** A group's numbers of a version, as bytes; undefined where the run has no such version. */
  parameters(version: number, group: number): Uint8Array | undefined;
  /** The same of an optimiser state. */
  section(version: number, section: string, group: number): Uint8Array | undefined;
  commit(step: number): MessageOf<"committed"> | undefined;
  decision(step: number): MessageOf<"decide"> | undefined;
  /** Version digest; "" where the run told none. */
  digest(version: number): string;
  plan(step: number): StepPlan;
  readonly lastStep: number;
  readonly hash: string;
}

/** Collects a reference from the messages of an undisturbed run with two shards that checkpoints every version. */
export function createReferenceRecorder(
  spec: RunSpec,
  groups: readonly number[],
): {
  sent(outgoing: Outgoing): void;
  finished(hash: string): Reference;
} {
  /** By section: versions, and their groups. */
  const sections = new Map<string, Uint8Array[][]>();
  const published: Uint8Array[][] = [];
  const commits = new Map<number, MessageOf<"committed">>();
  const decisions = new Map<number, MessageOf<"decide">>();
  const digests = new Map<number, string>();
  const plans = new Map<number, StepPlan>();
  const store = (
    into: Uint8Array[][],
    version: number,
    group: number,
    start: number,
    bytes: Uint8Array,
  ): void => {
    const whole = ((into[version] ??= [])[group] ??= new Uint8Array((groups[group] ?? 0) * 4));
    whole.set(bytes, start * 4);
  };
  const versionsOf = (section: string): Uint8Array[][] => {
    let versions = sections.get(section);
    if (!versions) sections.set(section, (versions = []));
    return versions;
  };
  return {
    sent({ message, slices }) {
      if (message.type === "broadcast")
        for (const [place, { group, start, from }] of message.slices.entries()) {
          // Of changes there is the checkpoint of the version.
          if (from === undefined) store(published, message.step, group, start, slices[place] as Uint8Array);
        }
      else if (message.type === "checkpoint-slice") {
        const { version, section, slice } = message;
        store(versionsOf(section), version, slice.group, slice.start, slices[0] as Uint8Array);
      } else if (message.type === "committed") commits.set(message.step, message);
      else if (message.type === "settled" && message.digest !== "")
        digests.set(message.version, message.digest);
      else if (message.type === "decide") decisions.set(message.step, message);
    },
    finished: (hash) => ({
      parameters: (version, group) =>
        sections.get("parameters")?.[version]?.[group] ?? published[version]?.[group],
      section(version, section, group) {
        const known = sections.get(section)?.[version]?.[group];
        if (known || version > 0) return known;
        return section === "parameters" ? published[0]?.[group] : new Uint8Array((groups[group] ?? 0) * 4);
      },
      commit: (step) => commits.get(step),
      decision: (step) => decisions.get(step),
      digest: (version) => digests.get(version) ?? "",
      plan(step) {
        let plan = plans.get(step);
        if (!plan) plans.set(step, (plan = planStep(spec, step)));
        return plan;
      },
      lastStep: Math.max(...commits.keys()),
      hash,
    }),
  };
}

/** Whether two commits applied the same: everything but who sent what, when, and how often. */
export function sameCommit(
  a: MessageOf<"committed"> | CommitRecord,
  b: MessageOf<"committed">,
): string | undefined {
  if (a.version !== b.version) return `version ${a.version}, not ${b.version}`;
  if (!Object.is(a.learningRate, b.learningRate)) return `learning rate ${a.learningRate}`;
  if (!Object.is(a.gradientNorm, b.gradientNorm))
    return `gradient norm ${a.gradientNorm}, not ${b.gradientNorm}`;
  if (a.tasks.length !== b.tasks.length) return `${a.tasks.length} tasks, not ${b.tasks.length}`;
  for (const [place, task] of a.tasks.entries()) {
    const other = b.tasks[place];
    if (task.task !== other?.task || task.round !== other.round || task.slots !== other.slots)
      return `task ${task.task}, round ${task.round}, ${task.slots} slots`;
    if (task.samples !== other.samples) return `${task.samples} samples of ${task.task}`;
    for (const [name, value] of Object.entries(other.metrics))
      if (!Object.is(task.metrics[name], value))
        return `${name} of ${task.task} is ${task.metrics[name]}, not ${value}`;
  }
  return undefined;
}
