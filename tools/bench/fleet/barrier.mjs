/** How long a step takes when all that happens is that everybody sends one contribution and gets new weights. */
import { fork } from "node:child_process";
import { median } from "../statistics.mjs";
import { startCluster } from "./cluster.mjs";
import { startPeers } from "./peers.mjs";

/** Connections are made, and code is compiled. */
const warmupSteps = 5;

/**
 * The parameter server and a bare `ws` server by turns, with the same peers, bytes and processes.
 * @returns medians over all rounds; `bareSmall` answers with 8 bytes in place of weights
 */
export async function measureBarrier({ bundles, folder, workers, processes, steps, rounds, profile, say }) {
  // Its parameters are 64 KiB and some: 2·127·64 weights and their 191 biases.
  const spec = bundles.spec.fleetSpec({ slots: workers, width: 127, hidden: 64, microBatch: 1 });
  const contributionBytes = bundles.spec.gradientBytes(spec);
  const shared = { bundles, workers, processes, steps, contributionBytes, profile };
  const all = { bare: [], bareSmall: [], run: [] };
  for (let round = 0; round < rounds; round++) {
    all.bare.push(...(await bare({ ...shared, answerBytes: contributionBytes })));
    all.run.push(...(await run({ ...shared, spec, folder: `${folder}-${round}` })));
    all.bareSmall.push(...(await bare({ ...shared, answerBytes: 8 })));
    say(
      Object.entries(all)
        .map(([name, values]) => `${name} ${median(values).toFixed(0)} ms`)
        .join(", "),
    );
  }
  const medians = Object.fromEntries(
    Object.entries(all).map(([name, values]) => [`${name}Ms`, median(values)]),
  );
  return { workers, contributionBytes, steps, rounds, ...medians, ratio: medians.runMs / medians.bareMs };
}

async function bare({ bundles, workers, processes, steps, contributionBytes, answerBytes }) {
  const server = fork(bundles.bare, [JSON.stringify({ peers: workers, answerBytes })]);
  try {
    const { url } = await messageOf(server, "listening");
    return await intervals({
      bundles,
      workers,
      processes,
      steps,
      argument: { url, bare: true, contributionBytes },
    });
  } finally {
    server.kill("SIGKILL");
  }
}

async function run({ bundles, workers, processes, steps, spec, folder, profile }) {
  const cluster = await startCluster({ folder, spec, workers, profile });
  try {
    const { url, runId } = cluster;
    return await intervals({ bundles, workers, processes, steps, argument: { url, runId } });
  } finally {
    await cluster.kill();
  }
}

/** Milliseconds from one step to the next, each counted when the last of all peers had its answer. */
async function intervals({ bundles, workers, processes, steps, argument }) {
  const peers = startPeers({ file: bundles.steady, workers, processes, argument });
  try {
    const ends = await peers.steps(warmupSteps + steps + 1);
    return ends
      .slice(1)
      .map((ms, i) => ms - ends[i])
      .slice(warmupSteps);
  } finally {
    peers.kill();
  }
}

function messageOf(child, kind) {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => message.kind === kind && resolve(message));
    child.once("exit", (code, signal) => reject(new Error(`ended with ${code ?? signal}`)));
  });
}
