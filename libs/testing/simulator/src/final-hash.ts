import type { RunSpec } from "@latentweave/plan";
import { expect } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { smallClasses, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);

/** Of the last weights of a small job on a simulated cluster, which must finish. `seed`: of the delays */
export async function finalHash(
  spec: RunSpec,
  workers: number,
  shards: number,
  seed: number,
): Promise<string> {
  const cluster = createCluster({ spec, shards, expectedWorkers: workers, rows, seed });
  for (let index = 0; index < workers; index++) cluster.addWorker(`w${index}`);
  const outcome = await cluster.finish();
  expect(outcome).toMatchObject({ state: "finished" });
  return outcome.hash as string;
}
