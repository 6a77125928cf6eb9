/** A run whose workers come and go: is anything lost, how large do the servers get, how soon do they answer? */
import { fork } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { checkLedger } from "./check-ledger.mjs";
import { memoryOf, profiling, startCluster } from "./cluster.mjs";

const joinMs = 120_000;
/**
 * One worker has a process of its own and asks more often: its answers tell of the servers, where those of hundreds in
 * one process tell mostly of that process.
 */
const watcherHeartbeatMs = 100;
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
  const start = (name, own, heartbeatMs) => {
    const argument = {
      ...{ url: cluster.url, runId: cluster.runId },
      ...{ name, workers: own, width, heartbeatMs },
    };
    const child = fork(bundles.churning, [JSON.stringify(argument)], { execArgv: profiling(profile, name) });
    return { workers: own, child };
  };
  const many = workers - 1;
  const children = Array.from({ length: processes }, (_, i) =>
    start(`p${i}`, Math.floor((many * (i + 1)) / processes) - Math.floor((many * i) / processes)),
  );
  const watcher = start("watcher", 1, watcherHeartbeatMs);
  try {
    for (const { child } of [...children, watcher]) child.send({ kind: "start" });
    await allActive(cluster, workers);
    const before = await cluster.snapshot();
    say(`${workers} workers joined, step ${before.step}; now ${share * workers} leave and join every second`);
    for (const { child, workers: own } of children) child.send({ kind: "churn", perSecond: own * share });
    watcher.child.send({ kind: "churn", perSecond: 0 });
    const memory = {};
    for (let second = 1; second <= seconds; second++) {
      await wait(1000);
      Object.assign(memory, memoryOf(cluster.processes));
      if (second % 10 === 0) say(`${second} s: step ${(await cluster.snapshot()).step}`);
    }
    const after = await cluster.snapshot();
    const reports = await Promise.all(children.map(({ child }) => reportOf(child)));
    const watched = await reportOf(watcher.child);
    await cluster.stop();
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
      heartbeats: answersOf(watched.roundTripsMs),
      crowdedHeartbeats: answersOf(reports.flatMap((report) => report.roundTripsMs)),
      clientsStalledMs: Math.max(...reports.map((report) => report.stalledMs)),
      memory,
    };
  } finally {
    await cluster.kill();
    for (const { child } of [...children, watcher]) child.kill("SIGKILL");
  }
}

function answersOf(roundTripsMs) {
  const sorted = roundTripsMs.toSorted((a, b) => a - b);
  return {
    answers: sorted.length,
    medianMs: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    mostMs: sorted.at(-1) ?? null,
  };
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
