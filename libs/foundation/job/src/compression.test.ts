import { describe, expect, it } from "vitest";
import { dense } from "./layer-functions.ts";
import { applySettings } from "./apply-settings.ts";
import { jobChanges } from "./job-changes.ts";
import { resolveJob } from "./resolve-job.ts";

const task = { data: { dataset: "mnist" as const }, encoder: [dense(3)], decoder: [dense(4)] };
const withCompression = (compression: unknown): object => ({
  tasks: { a: { ...task, slots: 8 }, b: { ...task, slots: 5 }, c: { ...task, slots: 1 } },
  compression,
  steps: 3,
});

const usual = { auto: false, sameBits: true };

describe("a job's compression", () => {
  it("is none, or rounds sums on every level of their tree unless it names one", () => {
    const none = { push: null, broadcast: null, ...usual };
    for (const asked of [undefined, {}, none])
      expect(resolveJob(withCompression(asked)).compression).toEqual(none);
    expect(resolveJob(withCompression({ push: { codec: "int8" } })).compression).toEqual({
      push: { codec: "int8", level: "every" },
      broadcast: null,
      ...usual,
    });
    const both = { push: { codec: "bf16", level: 0 }, broadcast: { codec: "fp16" }, ...usual };
    const resolved = resolveJob(withCompression(both));
    expect(resolved.compression).toEqual(both);
    expect(resolveJob(JSON.parse(JSON.stringify(resolved)))).toEqual(resolved);
  });

  it("may leave most of it out: of broadcasts as it is, of pushes with the job's word", () => {
    const asked = { push: { codec: "topk" }, broadcast: { codec: "topk", share: 0.05 }, sameBits: false };
    const resolved = resolveJob(withCompression(asked));
    expect(resolved.compression).toEqual({
      push: { codec: "topk", share: 0.01 },
      broadcast: { codec: "topk", share: 0.05 },
      auto: false,
      sameBits: false,
    });
    expect(resolveJob(JSON.parse(JSON.stringify(resolved)))).toEqual(resolved);
    expect(resolveJob(withCompression({ broadcast: { codec: "topk" } })).compression.sameBits).toBe(true);
    const auto = resolveJob(withCompression({ auto: true, sameBits: false }));
    expect(auto.compression).toEqual({ push: null, broadcast: null, auto: true, sameBits: false });
  });

  it("without the same bits rules audits out, which would accuse whoever is right", () => {
    const compression = { push: { codec: "topk" }, sameBits: false };
    expect(() => resolveJob({ ...withCompression(compression), audit: { share: 0.1 } })).toThrow(
      /audit\.share/,
    );
  });

  it("can be set from the command line", () => {
    const job = applySettings(withCompression(undefined), [
      "compression.push.codec=int8",
      "compression.push.level=0",
      "compression.broadcast.codec=bf16",
    ]);
    expect(resolveJob(job).compression).toEqual({
      push: { codec: "int8", level: 0 },
      broadcast: { codec: "bf16" },
      ...usual,
    });
  });

  it("is part of what a run computes: it cannot change where a run goes on", () => {
    const [before, after] = [undefined, { push: { codec: "int8" } }].map((one) =>
      resolveJob(withCompression(one)),
    ) as [ReturnType<typeof resolveJob>, ReturnType<typeof resolveJob>];
    expect(jobChanges(before, after).map(({ field }) => field)).toEqual(["compression.push"]);
  });

  it.each([
    [
      "a codec that there is not",
      { push: { codec: "int4" } },
      /compression\.push\.codec.*"int4".*"bf16", "fp16", "int8"/s,
    ],
    ["no codec", { broadcast: {} }, /compression\.broadcast\.codec/],
    [
      "top-k pushes, and no word",
      { push: { codec: "topk" } },
      /compression\.push\.codec.*"topk".*depend on who computes what.*exactly once still holds.*sameBits: false beside push/s,
    ],
    [
      "a choice that is made on the way, and no word",
      "auto",
      /compression\.auto.*gives up.*compression: \{ auto: true, sameBits: false \}/s,
    ],
    [
      "a choice and a codec",
      { auto: true, sameBits: false, broadcast: { codec: "int8" } },
      /compression\.auto.*besides broadcast/s,
    ],
    [
      "a word that nothing needs",
      { push: { codec: "int8" }, sameBits: false },
      /compression\.sameBits.*nothing/s,
    ],
    [
      "a share that is none",
      { broadcast: { codec: "topk", share: 0 } },
      /compression\.broadcast\.share.*above 0/s,
    ],
    [
      "a share that is no longer a part",
      { broadcast: { codec: "topk", share: 0.6 } },
      /share.*at most 0\.5/s,
    ],
    ["a level of top-k", { push: { codec: "topk", level: 0 }, sameBits: false }, /compression\.push\.level/s],
    [
      "a level that no tree has",
      { push: { codec: "int8", level: 4 } },
      /compression\.push\.level.*got 4.*8 slots of task "a".*0 to 3, or "every"/s,
    ],
    [
      "a level that one of the trees lacks",
      { push: { codec: "int8", level: 1 } },
      /compression\.push\.level.*1 slots of task "c".*0, or "every"/s,
    ],
    [
      "a level that is no whole number",
      { push: { codec: "int8", level: 0.5 } },
      /compression\.push\.level.*0\.5/s,
    ],
    ["a level of broadcasts", { broadcast: { codec: "int8", level: 0 } }, /compression\.broadcast\.level/],
  ])("is refused with %s", (_, compression, message) => {
    expect(() => resolveJob(withCompression(compression))).toThrow(message);
  });
});
