/** Whether a job comes to the same bits on each of several clusters. */
import { hashOf, train } from "../latentweave.mjs";

export const short = (hash) => hash.slice(0, 12);

/** Runs each cluster and compares what `latentweave hash` prints. */
export async function compareHashes(job, steps, clusters, { scratch, say }) {
  const hashes = [];
  for (const { id, flags, onSaid, node } of clusters) {
    const args = [job, "--steps", String(steps), "--seed", "7", "--run-id", id, "--runs", scratch, ...flags];
    const state = {};
    const { code, stderr, seconds } = await train(args, {
      node,
      onSaid: (said, training) => onSaid?.(said, training, state),
    });
    if (code !== 0) throw new Error(`run ${id} ended with ${code}:\n${stderr.slice(-2000)}`);
    await state.after?.();
    const hash = await hashOf(scratch, id, { node });
    hashes.push(hash);
    say(`${id}: ${hash} (${seconds.toFixed(0)} s)`);
  }
  return new Set(hashes).size === 1
    ? { figure: `${hashes.length} runs, one hash: ${short(hashes[0])}`, met: true }
    : { figure: `${new Set(hashes).size} different hashes in ${hashes.length} runs`, met: false };
}
