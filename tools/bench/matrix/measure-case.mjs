/** One case: its rows take turns, round by round. */
import { measureLatentweave } from "../measure-latentweave.mjs";
import { measurePyTorch } from "../measure-pytorch.mjs";
import { mean, median, spread } from "../statistics.mjs";
import { pyTorchWarmup } from "../warm-up.mjs";
import { measureCompute, measurePyTorchCompute } from "./measure-compute.mjs";
import { measureAllReduce, measureExchange } from "./measure-exchange.mjs";
import { measureTfjs } from "./measure-tfjs.mjs";

const defaultBatch = 256;
const warmedUp = (options) => ({ ...options, warmup: pyTorchWarmup(options.warmup) });

/** Each gives milliseconds a step and samples (or what the case counts) a second; ours the hash of what was learned. */
const sides = {
  ours: { measure: (options) => measureLatentweave(options) },
  compute: { measure: (options) => measureCompute(options) },
  tfjs: { measure: (options) => measureTfjs(options) },
  exchange: { measure: (options) => measureExchange(options) },
  pytorch: {
    needsPython: true,
    measure: (options) => measurePyTorch({ batch: defaultBatch, ...warmedUp(options) }),
  },
  "pytorch-compute": { needsPython: true, measure: (options) => measurePyTorchCompute(options) },
  "all-reduce": { needsPython: true, measure: (options) => measureAllReduce(warmedUp(options)) },
};

/**
 * @param python absent: PyTorch's rows are left out
 * @returns {Promise<{ rounds: number, warmup?: number, rows: object[], ratios: object[], hash: string | null }>} per row
 *   what it did in a second and milliseconds a step; per ratio the median, worst and best of the rounds' own ratios
 * @throws Error when runs of ours that must come to the same bits do not
 */
export async function measureCase(one, { rounds, python, images, say }) {
  const rows = one.rows.filter(({ side }) => python !== undefined || !sides[side].needsPython);
  const measured = new Map(rows.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Turned, so that nobody always comes first after a pause.
    const turn = round % rows.length;
    for (const { name, side, options } of [...rows.slice(turn), ...rows.slice(0, turn)]) {
      const { needsPython, measure } = sides[side];
      const result = await measure({ ...options, ...(needsPython && { python, images }) });
      measured.get(name).push(result);
      say(`round ${round + 1}  ${name.padEnd(9)} ${textOf(result)}`);
    }
  }
  const hashes = hashesOf(one, measured);
  const { warmup } = one.rows[0].options;
  return {
    rounds,
    ...(warmup !== undefined && { warmup }),
    rows: rows.map(({ name }) => ({
      name,
      perSecond: spread(measured.get(name).map(({ samplesPerSecond }) => samplesPerSecond)),
      stepMs: median(measured.get(name).map(({ stepMs }) => stepMs)),
      ...lossOf(measured.get(name)[0]),
      ...phasesOf(measured.get(name)),
    })),
    ratios: one.ratios
      .filter(({ of, to }) => measured.has(of) && measured.has(to))
      .map(({ of, to }) => ({ of, to, ...spread(ratios(measured.get(of), measured.get(to))) })),
    hash: one.sameHash ? (hashes[0] ?? null) : null,
  };
}

const ratios = (all, others) =>
  all.map(({ samplesPerSecond }, round) => samplesPerSecond / others[round].samplesPerSecond);

const lossOf = ({ loss }) => (loss === undefined ? {} : { loss });

/** Of ours: mean milliseconds of a step, by process and phase. */
function phasesOf(rounds) {
  if (rounds[0].phases === undefined) return {};
  const phases = Object.entries(rounds[0].phases).map(([process, values]) => [
    process,
    Object.fromEntries(
      Object.keys(values).map((phase) => [phase, mean(rounds.map((round) => round.phases[process][phase]))]),
    ),
  ]);
  return { phases: Object.fromEntries(phases) };
}

function textOf({ samplesPerSecond, stepMs, loss }) {
  const learned = loss === undefined ? "" : `  loss ${loss.toFixed(4)}`;
  return `${samplesPerSecond.toPrecision(5)} a second  ${stepMs.toPrecision(4)} ms a step${learned}`;
}

/** @throws Error where rounds of one row differ, or rows of a case whose rows must not */
function hashesOf({ sameHash }, measured) {
  const perRow = [...measured.values()].map((rounds) => rounds.flatMap(({ hash }) => hash ?? []));
  for (const group of sameHash ? [perRow.flat()] : perRow) {
    const different = new Set(group);
    if (different.size > 1) throw new Error(`these runs differ: ${[...different].join(", ")}`);
  }
  return perRow.flat();
}
