import { z } from "zod";

/**
 * One fault, as data: at which step (and at which moment of it), to whom, what. Milliseconds everywhere; a fault that
 * lasts says for how long.
 */
const at = z.strictObject({
  /** The step in progress when it strikes; the first is 0. */
  step: z.int().min(0),
  /** Struck by the process itself, exactly there. Without one the controller strikes from outside. */
  moment: z.string().optional(),
  /** Waits so long after the step before was committed. */
  afterMs: z.number().min(0).max(600_000).optional(),
});

const forMs = (standard: number) => z.number().min(1).max(600_000).default(standard);
const common = { at, to: z.string().min(1) };
/** Share of frames (or of bytes on their way) that are struck while the fault lasts. */
const share = (standard: number) => z.number().gt(0).max(1).default(standard);
const how = z.enum(["truncate", "flip"]).default("flip");

const kind = <const Kind extends string, Fields extends z.core.$ZodLooseShape>(name: Kind, fields: Fields) =>
  z.strictObject({ do: z.literal(name), ...common, ...fields });

export const faultSchema = z.discriminatedUnion("do", [
  kind("kill", {}),
  /** Killed, and what it kept in this host's memory is gone too, as with the host. */
  kind("lose-memory", {}),
  kind("stop", { forMs: forMs(1_500) }),
  kind("drain", { graceMs: forMs(10_000) }),
  kind("join", {}),
  kind("rejoin", {}),
  kind("slow", { factor: z.number().min(2).max(100).default(10), forMs: forMs(3_000) }),
  kind("partition", { forMs: forMs(2_000) }),
  kind("delay", { ms: z.number().min(1).max(10_000).default(100), forMs: forMs(3_000) }),
  kind("loss", { share: share(0.05), forMs: forMs(3_000) }),
  kind("bandwidth", { mbitPerSecond: z.number().min(0.1).max(10_000).default(10), forMs: forMs(3_000) }),
  kind("corrupt-frames", { share: share(0.1), forMs: forMs(2_000) }),
  kind("truncate-frames", { share: share(0.1), forMs: forMs(2_000) }),
  kind("duplicate-frames", { share: share(0.3), forMs: forMs(2_000) }),
  kind("reorder-frames", { share: share(0.1), forMs: forMs(2_000) }),
  kind("disk-full", { forMs: forMs(2_000) }),
  kind("disk-read-only", { forMs: forMs(2_000) }),
  kind("damage-checkpoint", { how }),
  kind("damage-ledger", { how }),
  kind("nan-gradient", {}),
  kind("inf-gradient", {}),
  /** 0 is the least significant bit of a float32, 31 its sign. */
  kind("flip-gradient-bit", { bit: z.int().min(0).max(31).default(20) }),
  kind("wrong-answers", { probability: share(0.02), forSteps: z.int().min(1).default(50) }),
  kind("clock-jump", {
    byMs: z
      .number()
      .min(-1e12)
      .max(1e12)
      .default(3 * 3_600_000),
  }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault["do"];
export type FaultOf<Kind extends FaultKind> = Extract<Fault, { do: Kind }>;

export const faultKinds: readonly FaultKind[] = faultSchema.options.map((option) => option.shape.do.value);

/** What the plan wants of the job; flags of the command win over it. */
const planJobSchema = z.strictObject({
  steps: z.int().min(1).optional(),
  seed: z.int().min(0).max(4_294_967_295).optional(),
  workers: z.int().min(1).optional(),
  shards: z.int().min(1).optional(),
  placement: z.enum(["dedicated", "beside"]).optional(),
  /** As `--set` takes them: `path=value`. */
  set: z.array(z.string()).optional(),
});

export type PlanJob = z.infer<typeof planJobSchema>;

export const planSchema = z.strictObject({
  job: planJobSchema.default({}),
  /** Which processes stand for a host of their own, lost all at once. */
  hosts: z
    .record(z.string().regex(/^host-\d+$/, "expected host-1, host-2, ..."), z.array(z.string()).min(1))
    .default({}),
  faults: z.array(faultSchema).min(1),
});

export type FaultPlan = z.infer<typeof planSchema>;

export const networkKinds = [
  "partition",
  "delay",
  "loss",
  "bandwidth",
  "corrupt-frames",
  "truncate-frames",
  "duplicate-frames",
  "reorder-frames",
] as const satisfies readonly FaultKind[];
export type NetworkKind = (typeof networkKinds)[number];

export const diskKinds = ["disk-full", "disk-read-only"] as const satisfies readonly FaultKind[];
export const damageKinds = ["damage-checkpoint", "damage-ledger"] as const satisfies readonly FaultKind[];
export const gradientKinds = [
  "nan-gradient",
  "inf-gradient",
  "flip-gradient-bit",
  "wrong-answers",
] as const satisfies readonly FaultKind[];
export type GradientKind = (typeof gradientKinds)[number];

/** Where in the process the fault is: these strike themselves, all others are struck from outside unless they name a moment. */
export function strikesItself(fault: Fault): boolean {
  return (
    fault.at.moment !== undefined ||
    fault.do === "clock-jump" ||
    (gradientKinds as readonly string[]).includes(fault.do)
  );
}
