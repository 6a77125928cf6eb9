/** Shows 3, 5 and 6: one hash, whatever happens to the cluster. */
import path from "node:path";
import { hashOf, latentweave, processesNaming, train } from "../latentweave.mjs";
import { nodeOfVersion } from "../node-versions.mjs";
import { compareHashes, short } from "./one-hash.mjs";

/** Lets a process run for a fifth of the time only, until the function that it returns is called. */
function throttle(pid) {
  const kill = (signal) => {
    try {
      process.kill(pid, signal);
    } catch {
      clearInterval(timer); // it has ended
    }
  };
  const timer = setInterval(() => {
    kill("SIGSTOP");
    setTimeout(() => kill("SIGCONT"), 80);
  }, 100);
  return () => clearInterval(timer);
}

const processOf = (said, workerId) =>
  said.snapshot?.workers.find((worker) => worker.workerId === workerId)?.pid;

function throttleWorker(workerId) {
  return (said, _training, state) => {
    const pid = processOf(said, workerId);
    if (pid === undefined || state.after !== undefined) return;
    const release = throttle(pid);
    state.after = async () => release();
  };
}

/** A second worker joins once this many steps are committed; the first is slowed down until it is there. */
function joinAt(step) {
  return (said, training, state) => {
    state.first ??= processOf(said, "worker-0");
    if (said.kind !== "commit" || said.point.step < step) return;
    if (state.after === undefined) {
      const [, url] = /live page: (\S+)/.exec(training.stderr());
      const joined = latentweave(["join", url, "--worker-id", "newcomer"]).then(
        () => undefined,
        (error) => error,
      );
      state.release = throttle(state.first);
      state.after = async () => {
        const error = await joined;
        if (error) throw error;
        if (!state.took) throw new Error("the newcomer took no part in any step");
      };
    }
    if (said.point.workers !== 2) return;
    state.took = true;
    state.release();
  };
}

async function clusters() {
  return [
    { id: "workers-1", flags: ["--workers", "1"] },
    { id: "workers-2", flags: ["--workers", "2"] },
    { id: "workers-4", flags: ["--workers", "4"] },
    { id: "shards-2", flags: ["--workers", "2", "--shards", "2"] },
    { id: "throttled", flags: ["--workers", "2"], onSaid: throttleWorker("worker-1") },
    { id: "joined", flags: ["--workers", "1"], onSaid: joinAt(20) },
    ...(await Promise.all(
      [20, 22, 24].map(async (major) => ({
        id: `node-${major}`,
        flags: ["--workers", "2"],
        node: await nodeOfVersion(major),
      })),
    )),
  ];
}

export const sameBits = [
  {
    number: "3a",
    title: "Same bits: digits and fashion, 40 steps",
    bar: "one hash under 1, 2, 4 workers, 2 shards, a throttled worker, one joining at step 20, Node 20, 22, 24",
    run: async (context) =>
      await compareHashes("examples/digits-and-fashion/job.ts", 40, await clusters(), context),
  },
  {
    number: "3b",
    title: "Same bits: convolutional, 40 steps",
    bar: "one hash under the same clusters",
    run: async (context) =>
      await compareHashes("examples/convolutional/job.ts", 40, await clusters(), context),
  },
  {
    number: "5",
    title: "Ctrl-C at a random step, then --resume",
    bar: "the hash of the run never interrupted; nothing left running",
    async run({ scratch, say }) {
      const job = ["examples/digits-and-fashion/job.ts", "--steps", "120", "--seed", "7", "--workers", "2"];
      const flags = ["--runs", scratch, "--run-id"];
      await train([...job, ...flags, "whole"]);
      const step = 2 + Math.floor(Math.random() * 60);
      let asked = false;
      const { code, end } = await train([...job, ...flags, "halved"], {
        onSaid(said, training) {
          if (asked || said.kind !== "commit" || said.point.step < step) return;
          asked = true;
          training.signal("SIGINT");
        },
      });
      say(`SIGINT at step ${step}: ended with ${code} after ${end?.step} steps`);
      const left = processesNaming(path.join(scratch, "halved"));
      await train(["--resume", ...flags, "halved"]);
      const [whole, halved] = [await hashOf(scratch, "whole"), await hashOf(scratch, "halved")];
      const met = code === 130 && left.length === 0 && whole === halved;
      return {
        figure: `${short(whole)} ${whole === halved ? "=" : "≠"} ${short(halved)}, interrupted after step ${end?.step}, ${left.length} processes left`,
        met,
      };
    },
  },
  {
    number: "6",
    title: "kill -9 of a worker mid-run",
    bar: "the same hash",
    async run({ scratch, say }) {
      const job = ["examples/digits-and-fashion/job.ts", "--steps", "40", "--seed", "7", "--workers", "2"];
      const flags = ["--runs", scratch, "--run-id"];
      await train([...job, ...flags, "whole"]);
      let victim;
      let killedAt;
      const { code } = await train([...job, ...flags, "killed"], {
        onSaid(said) {
          victim ??= said.snapshot?.workers.find(({ workerId }) => workerId === "worker-1")?.pid;
          if (killedAt !== undefined || said.kind !== "commit" || said.point.step < 15) return;
          killedAt = said.point.step;
          process.kill(victim, "SIGKILL");
        },
      });
      say(`killed process ${victim} at step ${killedAt}; the run ended with ${code}`);
      const [whole, killed] = [await hashOf(scratch, "whole"), await hashOf(scratch, "killed")];
      return {
        figure: `${short(whole)} ${whole === killed ? "=" : "≠"} ${short(killed)}, killed at step ${killedAt}`,
        met: whole === killed && killedAt !== undefined && code === 0,
      };
    },
  },
];
