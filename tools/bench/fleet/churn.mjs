/** A run whose workers come and go: is anything lost, how large do the servers get, how soon do they answer? */
import { fork } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { checkLedger } from "./check-ledger.mjs";
import { memoryOf, profiling, startCluster } from "./cluster.mjs";

const joinMs = 120_000;
/** A row of as many numbers through as many units: a gradient of about a kilobyte. */
const width = 12;
const hidden = 8;

/**
 * @param workers at any time, in so many processes
 * @param share of them that leaves and joins every second
 */
export async function measureChurn({ bundles, folder, workers, processes, seconds, share, profile, say }) {
  const spec = bundles.spec.fleetSpec({ slots: workers, width, hidden, microBatch: 2 });
  const cluster = await startCluster({ folder, spec, workers, profile });
  const children = Array.from({ length: processes }, (_, i) => {
    const own = Math.floor((workers * (i + 1)) / processes) - Math.floor((workers * i) / processes);
    const argument = { ...{ url: cluster.url, runId: cluster.runId }, name: `p${i}`, workers: own, width };
    return {
      workers: own,
      child: fork(bundles.churning, [JSON.stringify(argument)], {
        execArgv: profiling(profile, `workers-${i}`),
      }),
    };
  });
  try {
    for (const { child } of children) child.send({ kind: "start" });
    await allActive(cluster, workers);
    const before = await cluster.snapshot();
    say(`${workers} workers joined, step ${before.step}; now ${share * workers} leave and join every second`);
    for (const { child, workers: own } of children) child.send({ kind: "churn", perSecond: own * share });
    const memory = {};
    for (let second = 1; second <= seconds; second++) {
      await wait(1000);
      Object.assign(memory, memoryOf(cluster.processes));
      if (second % 10 === 0) say(`${second} s: step ${(await cluster.snapshot()).step}`);
    }
    const after = await cluster.snapshot();
    const reports = await Promise.all(children.map(({ child }) => reportOf(child)));
    await cluster.stop();
    const roundTripsMs = reports.flatMap((report) => report.roundTripsMs).sort((a, b) => a - b);
    const sum = (pick) => reports.reduce((total, report) => total + pick(report.ends), 0);
    return {
      ...{ workers, processes, seconds, share, gradientBytes: bundles.spec.gradientBytes(spec) },
      left: sum((ends) => ends.left),
      cut: sum((ends) => ends.cut),
      joined: sum((ends) => ends.joined),
      failed: sum((ends) => ends.failed),
      failures: reports.flatMap((report) => report.ends.failures).slice(0, 5),
      steps: after.step - before.step,
      ...checkLedger(folder, spec),
      heartbeats: {
        answers: roundTripsMs.length,
        medianMs: quantile(roundTripsMs, 0.5),
        p99Ms: quantile(roundTripsMs, 0.99),
        mostMs: roundTripsMs.at(-1) ?? null,
      },
      clientsStalledMs: Math.max(...reports.map((report) => report.stalledMs)),
      memory,
    };
  } finally {
    cluster.kill();
    for (const { child } of children) child.kill("SIGKILL");
  }
}

async function allActive(cluster, workers) {
  const endMs = performance.now() + joinMs;
  for (;;) {
    const { workers: members, step } = await cluster.snapshot();
    const active = members.filter(({ state }) => state === "active").length;
    if (active === workers && step >= 2) return;
    if (performance.now() > endMs) throw new Error(`${active} of ${workers} workers joined, step ${step}`);
    await wait(200);
  }
}

function reportOf(child) {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => message.kind === "report" && resolve(message));
    child.once("exit", (code, signal) =>
      reject(new Error(`a process of workers ended with ${code ?? signal}`)),
    );
    child.send({ kind: "stop" });
  });
}

function quantile(sorted, share) {
  return sorted.length === 0 ? null : sorted[Math.ceil(share * sorted.length) - 1];
}
