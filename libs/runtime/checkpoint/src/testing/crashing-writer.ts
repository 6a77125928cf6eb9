import { createLayout } from "@latentweave/parameters";
import { createRunStore } from "../run-store.ts";

/** A process of its own that commits and checkpoints as fast as it can until it is killed. */
const directory = process.argv[2] as string;
const layout = createLayout([
  {
    name: "wide",
    tasks: ["digits"],
    tensors: [{ name: "wide/kernel", shape: [200, 300], initialiser: { kind: "constant", value: 0 } }],
  },
]);
const group = layout.groups[0] as (typeof layout.groups)[number];
const store = createRunStore({ directory, runId: "crashing", layout, keep: 2, log: () => undefined });
const from = (await store.latestCheckpoint())?.version ?? 0;
if (store.ledgerEnd.nextStep > from)
  await store.appendTimeline({
    timeline: store.ledgerEnd.timeline + 1,
    fromVersion: from,
    reason: "resumed",
    detail: "",
  });
await store.rewindMetrics(from);
process.stdout.write(`from ${from}\n`);
for (let step = from; ; step++) {
  store.appendCommit({
    step,
    version: step + 1,
    timeline: store.ledgerEnd.timeline,
    phase: "main",
    digest: "",
    shards: 1,
    tasks: [],
    learningRate: 0.001,
    gradientNorm: null,
    duplicates: 0,
  });
  store.appendMetric("steps", { step });
  const sink = await store.beginCheckpoint(step + 1, ["parameters"]);
  const numbers = new Float32Array(group.numbers).fill(step + 1);
  await sink.write(
    "parameters",
    { group: 0, start: 0, numbers: group.numbers },
    new Uint8Array(numbers.buffer),
  );
  await sink.finish({});
  process.stdout.write(`done ${step + 1}\n`);
}
