import { type PathPhase, phaseOrder } from "@latentweave/telemetry";
import pc from "picocolors";
import { formatCount, formatRate, formatShare, formatSize } from "../show/numbers.ts";
import { type Cell, formatTable } from "../show/table.ts";
import { ddpVariants } from "./measure-pytorch.ts";
import { type BenchedRun, type BenchResult, busyText, countOf } from "./run-bench.ts";

/** What a person reads of it. */
export function formatBench(result: BenchResult): string {
  return [
    headText(result),
    trainingText(result),
    phasesText(result),
    exchangeText(result),
    predictionText(result),
    ...pytorchText(result),
    ...(result.isBusy ? [pc.yellow(busyText(result.inUse, result.machine.cores))] : []),
  ].join("\n\n");
}

function headText({ machine, compute, model, placement, seconds }: BenchResult): string {
  const device = compute[0]?.device === "cpu" ? "" : ` on ${compute[0]?.device}`;
  return [
    `machine   ${machine.cpu}, ${formatCount(machine.cores)} cores, ${formatSize(machine.memoryBytes)}; Node ${machine.node}; backend ${compute[0]?.backend}${device}`,
    `model     autoencoder ${model.widths.join("-")}, ${formatCount(model.parameters)} parameters, ${model.batch} samples per worker and step, Adam`,
    `method    ${seconds} s each after a warm-up, one thread per worker, --placement ${placement}, the same-bits guarantee on`,
  ].join("\n");
}

function trainingText({ compute: [alone], runs, pytorch }: BenchResult): string {
  const rows: Cell[][] = [];
  if (alone) rows.push(["compute alone", formatRate(alone.samplesPerSecond), ms(alone.stepMs), "", ""]);
  for (const run of runs) {
    const tuned = run.pytorch.tuned;
    rows.push([
      ...[
        countOf(run.workers),
        formatRate(run.samplesPerSecond),
        ms(run.stepMs),
        formatShare(run.efficiency),
      ],
      tuned ? (run.samplesPerSecond / tuned.samplesPerSecond).toFixed(2) : "",
    ]);
    for (const variant of ddpVariants) {
      const theirs = run.pytorch[variant];
      if (theirs)
        rows.push([
          `  PyTorch DDP, ${variant}`,
          ...[formatRate(theirs.samplesPerSecond), ms(theirs.stepMs), "", ""],
        ]);
    }
  }
  const hasTorch = !("missing" in pytorch);
  const header = ["training", "samples/s", "a step", "efficiency", ...(hasTorch ? ["ours / tuned"] : [])];
  const [base] = runs;
  return `${formatTable(header, rows)}\nefficiency: samples/s of a worker, over those with ${countOf(base?.workers ?? 1)}`;
}

function phasesText({ runs }: BenchResult): string {
  const has = (phase: PathPhase): boolean => runs.some(({ phases }) => (phases[phase] ?? 0) >= leastMs);
  const shownPhases = phaseOrder.filter(has);
  const rows = shownPhases.map((phase): Cell[] => [
    phase,
    ...runs.flatMap(({ phases }) => {
      const spent = phases[phase] ?? 0;
      return [spent.toFixed(2), formatShare(spent / sumOf(phases))];
    }),
  ]);
  const total: Cell[] = ["all", ...runs.flatMap(({ phases }) => [sumOf(phases).toFixed(2), ""])];
  const header = ["a step's time, ms", ...runs.flatMap(({ workers }) => [countOf(workers), ""])];
  return `${formatTable(header, [...rows, total])}\nthe critical path, mean of all steps: whatever somebody waits for (docs/profile.md has the phases)`;
}

/** Shorter phases tell nobody anything. */
const leastMs = 0.005;

const sumOf = (phases: BenchedRun["phases"]): number =>
  Object.values(phases).reduce((sum, value) => sum + value, 0);

function exchangeText({ exchanges }: BenchResult): string {
  const workers = Math.max(...exchanges.map((one) => one.workers));
  const own = exchanges.filter((one) => one.workers === workers);
  const hasTorch = own.some(({ allReduceMs }) => allReduceMs !== null);
  const ways = [...new Set(own.map(({ through }) => through))];
  const rows = [...new Set(own.map(({ numbers }) => numbers))].map((numbers): Cell[] => {
    const ofSize = own.filter((one) => one.numbers === numbers);
    const byWay = ways.map((way) => ms(ofSize.find(({ through }) => through === way)?.stepMs ?? 0));
    const allReduceMs = ofSize[0]?.allReduceMs ?? null;
    return [
      formatSize(4 * numbers),
      ...byWay,
      ...(hasTorch ? [allReduceMs === null ? null : ms(allReduceMs)] : []),
    ];
  });
  const header = ["exchange alone", ...ways, ...(hasTorch ? ["gloo all-reduce"] : [])];
  return `${formatTable(header, rows)}\na step of ${countOf(workers)} that compute nothing: push, sum, update, commit and its record, broadcast${hasTorch ? "; an all-reduce has no update and no record" : ""}`;
}

function predictionText({ prediction, runs }: BenchResult): string {
  const { hosts, errors, workersPerHost, latencyMs } = prediction;
  const links = [...new Set(hosts.map(({ bitsPerSecond }) => bitsPerSecond))];
  const rows = [...new Set(hosts.map((one) => one.hosts))].map((count): Cell[] => [
    formatCount(count),
    ...links.map((link) =>
      formatRate(
        hosts.find((one) => one.hosts === count && one.bitsPerSecond === link)?.samplesPerSecond ?? 0,
      ),
    ),
  ]);
  const header = ["predicted samples/s of hosts", ...links.map((link) => `${link / 1e9} Gbit/s`)];
  const off = errors
    .map(
      ({ workers, error }) =>
        `${error >= 0 ? "+" : "−"}${formatShare(Math.abs(error))} for ${countOf(workers)}`,
    )
    .join(", ");
  return `${formatTable(header, rows)}\na prediction, not a measurement: hosts like this one with ${countOf(workersPerHost)} and a shard each, ${latencyMs} ms apart. Of what was\nmeasured here the same model is off by ${off}${runs.length > 0 ? "" : " nothing"}`;
}

function pytorchText({ pytorch }: BenchResult): string[] {
  if ("missing" in pytorch)
    return [`PyTorch DDP is not beside it: ${pytorch.missing}\n  to mend:  ${pytorch.mend}`];
  return [
    `PyTorch ${pytorch.torch}, DDP over gloo, one process and one thread per rank. stock: as its documentation has it; tuned:\nfused Adam, gradients as bucket views, static graph, and no DDP where there is one rank`,
  ];
}

const ms = (value: number): string => `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ms`;
