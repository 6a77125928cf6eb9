import { type Arithmetic, philox4x32, randomKey } from "@latentweave/arithmetic";
import type { Lease } from "@latentweave/protocol";
import type { PreparedRun } from "./prepare-run.ts";
import type { Moment } from "./shard-links.ts";
import { openStepWork, type StepWork } from "./step-work.ts";

/** Whose slots are computed by somebody else as well, in this share of the steps. */
export interface Audited {
  readonly workerId: string;
  readonly share: number;
  readonly leases: readonly Lease[];
}

/** Another worker's slots, computed apart from one's own so that the same nodes of the tree come of them. */
export interface Audit {
  readonly work: StepWork;
  readonly leases: readonly Lease[];
}

/** Drawn by key, so that whoever replays the step audits the same. */
export function openAudit(
  prepared: PreparedRun,
  arithmetic: Arithmetic,
  audited: readonly Audited[],
  at: Moment,
): Audit | undefined {
  const { seed } = prepared.spec;
  const leases = audited
    .filter(({ workerId, share }) => drawOf(seed, workerId, at.step) < share)
    .flatMap((one) => one.leases);
  return leases.length === 0 ? undefined : { work: openStepWork(prepared, arithmetic, at), leases };
}

/** Uniform in [0, 1). */
function drawOf(seed: number, workerId: string, step: number): number {
  const [word] = philox4x32([step, 0, 0, 0], randomKey(seed, "audit", workerId));
  return word / 0x1_0000_0000;
}
