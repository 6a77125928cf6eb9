/** Shows 9: coordinator and parameter server do not grow with steps. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { memoryOf, parentOf, processesNaming, train } from "../latentweave.mjs";

const steps = 10_000;
/** Start-up and the first garbage collections are over by then. */
const settledStep = 2_000;
/** V8 grows its heap in strides and gives back late; a leak of one commit's record (about 1 kB) would be over 8 MiB. */
const allowedMiB = 8;

export const memory = [
  {
    number: "9",
    title: `Memory over ${steps} steps of a tiny job`,
    bar: `peak of coordinator and parameter server grows by less than ${allowedMiB} MiB from step ${settledStep} to the end`,
    async run({ scratch, say }) {
      const job = path.join(scratch, "tiny.json");
      const rows = Array.from({ length: 64 }, (_, i) => [i, 64 - i, (i * 7) % 11, (i * 5) % 13].join(","));
      writeFileSync(path.join(scratch, "tiny.csv"), ["a,b,c,d", ...rows].join("\n"));
      writeFileSync(
        job,
        JSON.stringify({
          name: "tiny",
          tasks: {
            table: {
              data: { csv: "tiny.csv", scale: "standard" },
              input: [4],
              encoder: [{ kind: "dense", units: 4, activation: "relu" }],
              decoder: [{ kind: "dense", units: 4 }],
              reconstruction: { loss: "mse" },
              microBatch: 8,
              slots: 2,
            },
          },
          model: { kind: "shared", latent: 2 },
          steps,
          evaluate: { everySteps: 1000 },
        }),
      );
      const samples = new Map();
      let next = 1;
      const { code, stderr, seconds } = await train(
        [job, "--workers", "1", "--runs", scratch, "--run-id", "tiny"],
        {
          onSaid(said, training) {
            const step = said.kind === "snapshot" ? said.snapshot.step : 0;
            if (step < next * 500) return;
            next = Math.floor(step / 500) + 1;
            for (const [name, pid] of serversOf(training.pid))
              samples.set(`${name} ${step}`, { name, step, ...memoryOf(pid) });
          },
        },
      );
      if (code !== 0) throw new Error(`the run ended with ${code}:\n${stderr.slice(-2000)}`);
      const figures = ["coordinator", "parameter-server"].map((name) => {
        const own = [...samples.values()].filter((sample) => sample.name === name);
        const settled = own.find(({ step }) => step >= settledStep);
        const last = own.at(-1);
        say(`${name}: ${own.map(({ step, peak }) => `${step}: ${peak.toFixed(0)}`).join(", ")} MiB`);
        return { name, from: settled.peak, to: last.peak, growth: last.peak - settled.peak };
      });
      return {
        figure: `${figures.map(({ name, from, to }) => `${name} ${from.toFixed(0)} → ${to.toFixed(0)} MiB`).join(", ")} (${(steps / seconds).toFixed(0)} steps/s)`,
        met: figures.every(({ growth }) => growth < allowedMiB),
      };
    },
  },
];

/** The run's coordinator and shard, by their verb. */
function serversOf(launcherPid) {
  return processesNaming(" --with-parent").flatMap(({ pid, command }) => {
    const verb = / (coordinator|parameter-server) /.exec(command)?.[1];
    return verb !== undefined && parentOf(pid) === launcherPid ? [[verb, pid]] : [];
  });
}
