/**
 * Clusters that were not there: the real coordinator, parameter server and workers in virtual time (simulateHosts of
 * libs/testing/simulator), where computing, moving and summing take what the case `prediction` measured. Beside it what
 * the formula (predictStep) says of the same hosts: it adds parts up, the simulation has messages wait for each other.
 */
import { importSources } from "../../build/bundle-sources.mjs";
import { table } from "../table.mjs";

/** 837,061 parameters in one layer there and one back, as near to the others' 837,424 as whole units are. */
const size = { width: 784, hidden: 533 };
const hostCounts = [1, 2, 4, 8, 16, 32];
const links = [1e9, 25e9];
/** Rows are no part of it. */
const microBatch = 1;

/** @param kept results of all cases, by name: costs are those of `prediction` */
export async function measureSimulated(_, { kept, say }) {
  if (kept.prediction === undefined)
    throw new Error("what parts cost was not measured yet: --only prediction,simulated");
  const { costs, beyond } = kept.prediction;
  const [{ batch, computeMs }] = beyond.curves;
  const { simulateHosts, predictStep, computeNothing, fleetSpec, gradientBytes } = await importSources(`
    export { simulateHosts } from "@latentweave/simulator";
    export { predictStep } from "@latentweave/telemetry";
    export { computeNothing } from "./apps/worker/src/compute-nothing.ts";
    export { fleetSpec, gradientBytes } from "./tools/bench/fleet/spec.mjs";`);
  const points = [];
  for (const bitsPerSecond of links)
    for (const hosts of hostCounts) {
      const spec = fleetSpec({ ...size, slots: hosts, microBatch });
      const { latencyMs } = beyond;
      const at = { hosts, bitsPerSecond, latencyMs, computeMs, costs: costs.sockets };
      const ms = await simulateHosts(spec, at, computeNothing);
      const shape = { numbers: gradientBytes(spec) / 4, workers: hosts, shards: hosts, cores: 16, hosts };
      const link = hosts === 1 ? {} : { link: { bitsPerSecond, latencyMs, kind: "mesh" } };
      const { totalMs } = predictStep(costs.sockets, { ...shape, ...link }, computeMs);
      points.push({ hosts, bitsPerSecond, ms, predictedMs: totalMs });
      say(
        `${hosts} hosts, ${bitsPerSecond / 1e9} Gbit/s: simulated ${ms.toPrecision(3)} ms, by the formula ${totalMs.toPrecision(3)}`,
      );
    }
  return { rounds: 1, device: beyond.device, latencyMs: beyond.latencyMs, batch, computeMs, points };
}

/** Nothing of it was measured, so it meets no bar. */
export const judgedSimulated = () => [];

export function simulatedText(one, { points, device, latencyMs, batch, computeMs }) {
  const rows = points.map(({ hosts, bitsPerSecond, ms, predictedMs }) => [
    `${hosts} ${hosts === 1 ? "host" : "hosts"}, ${bitsPerSecond / 1e9} Gbit/s`,
    ms.toPrecision(3),
    predictedMs.toPrecision(3),
    Math.round((1000 * hosts * batch) / ms).toLocaleString("en-US"),
  ]);
  return `**Simulated, not measured.** The product's own coordinator, parameter server and workers in virtual time: hosts with a worker and a shard each, ${latencyMs} ms apart, whose messages wait for processors and links, one after the other. Computing takes the ${computeMs.toPrecision(3)} ms that ${batch} samples took on one ${device}, moving and summing what it cost through sockets on this machine (case _prediction_). _By the formula_: what \`predictStep\` says of the same hosts.

${table([one.title, "simulated, ms a step", "by the formula, ms", "samples/s, simulated"], rows)}`;
}
