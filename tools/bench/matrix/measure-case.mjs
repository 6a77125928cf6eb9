/** One case: its rows take turns, round by round. */
import { measureLatentweave } from "../measure-latentweave.mjs";
import { measurePyTorch } from "../measure-pytorch.mjs";
import { median, spread } from "../statistics.mjs";

const defaultBatch = 256;

/**
 * @param python absent: PyTorch's rows are left out
 * @returns {Promise<{ rounds: number, rows: object[], ratios: object[], hash: string | null }>} per row its samples/s and
 *   milliseconds a step; per ratio the median, worst and best of the rounds' own ratios
 * @throws Error when runs of ours that must come to the same bits do not
 */
export async function measureCase({ rows, ratios, sameHash }, { rounds, python, images, say }) {
  const present = rows.filter(({ side }) => side === "ours" || python !== undefined);
  const measured = new Map(present.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Turned, so that nobody always comes first after a pause.
    const turn = round % present.length;
    for (const { name, side, options } of [...present.slice(turn), ...present.slice(0, turn)]) {
      const one =
        side === "ours"
          ? await measureLatentweave(options)
          : await measurePyTorch({ batch: defaultBatch, ...options, python, images });
      measured.get(name).push(one);
      say(
        `round ${round + 1}  ${name.padEnd(8)} ${Math.round(one.samplesPerSecond)} samples/s  ${one.stepMs.toFixed(2)} ms a step  loss ${one.loss.toFixed(4)}`,
      );
    }
  }
  const groups = sameHash
    ? [present.flatMap(({ name }) => measured.get(name))]
    : present.map(({ name }) => measured.get(name));
  for (const group of groups) {
    const hashes = new Set(group.map(({ hash }) => hash));
    if (hashes.size > 1) throw new Error(`these runs differ: ${[...hashes].join(", ")}`);
  }
  const ours = present.find(({ side }) => side === "ours");
  return {
    rounds,
    rows: present.map(({ name }) => ({
      name,
      samplesPerSecond: spread(measured.get(name).map((one) => one.samplesPerSecond)),
      stepMs: median(measured.get(name).map((one) => one.stepMs)),
      loss: measured.get(name)[0].loss,
    })),
    ratios: ratios
      .filter(({ of, to }) => measured.has(of) && measured.has(to))
      .map(({ of, to, bar }) => {
        const each = measured
          .get(of)
          .map((one, round) => one.samplesPerSecond / measured.get(to)[round].samplesPerSecond);
        return { of, to, ...(bar === undefined ? {} : { bar }), ...spread(each) };
      }),
    hash: sameHash && ours ? measured.get(ours.name)[0].hash : null,
  };
}
