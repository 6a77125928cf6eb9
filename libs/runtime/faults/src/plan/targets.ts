import { type Moment, moments } from "@latentweave/protocol";
import { damageKinds, diskKinds, type FaultKind, gradientKinds, networkKinds } from "./fault.ts";

/** What `to` may name. */
export type TargetRole = "worker" | "shard" | "coordinator" | "everything" | "host";

/** @returns undefined for what names no kind of process */
export function roleOf(target: string): TargetRole | undefined {
  if (/^worker-\d+$/.test(target) || target === "any-worker") return "worker";
  if (/^shard-\d+$/.test(target)) return "shard";
  if (/^host-\d+$/.test(target)) return "host";
  return target === "coordinator" || target === "everything" ? target : undefined;
}

/** Only the shard that decides commits passes these. */
const leaderMoments: readonly Moment[] = ["before-commit", "after-commit"];

/** Moments at which a target can be struck; of several processes, any moment that one of them passes. */
export function momentsOf(target: string): readonly Moment[] {
  const role = roleOf(target);
  if (role === "shard" && target !== "shard-0")
    return moments.shard.filter((moment) => !leaderMoments.includes(moment));
  if (role === "worker" || role === "shard" || role === "coordinator") return moments[role];
  return [...new Set<Moment>([...moments.worker, ...moments.shard, ...moments.coordinator])];
}

/** Where a fault that strikes from inside does so when its plan names no moment: early in every step. */
export const standardMoment = {
  worker: "before-compute",
  shard: "before-reduce",
  coordinator: "before-record",
} as const satisfies Record<"worker" | "shard" | "coordinator", Moment>;

const processes: readonly TargetRole[] = ["worker", "shard", "coordinator", "everything", "host"];

const rolesByKind = new Map<FaultKind, readonly TargetRole[]>([
  ["kill", processes],
  ["lose-memory", ["shard", "everything"]],
  ["stop", processes],
  ["clock-jump", processes],
  ["slow", ["worker", "shard", "coordinator", "host"]],
  ["drain", ["worker"]],
  ["join", ["worker"]],
  ["rejoin", ["worker"]],
  ...networkKinds.map((kind) => [kind, ["worker", "shard", "coordinator", "host"]] as const),
  ...diskKinds.map((kind) => [kind, ["coordinator"]] as const),
  ...damageKinds.map((kind) => [kind, ["everything"]] as const),
  ...gradientKinds.map((kind) => [kind, ["worker"]] as const),
]);

export function rolesFor(kind: FaultKind): readonly TargetRole[] {
  return rolesByKind.get(kind) ?? [];
}

/** Faults that a process can do to itself at a named moment. */
export const kindsWithMoment: readonly FaultKind[] = ["kill", "stop", "clock-jump"];

/** Wrong bits look like right ones: a run survives them only where somebody else computes every micro-batch too. */
export const foundByAudits: readonly FaultKind[] = ["flip-gradient-bit", "wrong-answers"];

/** @param audited every micro-batch is (`audit.share` is 1). A plan may name what is not survived; chance does not. */
export function isSurvivable(kind: FaultKind, audited: boolean): boolean {
  return audited || !foundByAudits.includes(kind);
}
