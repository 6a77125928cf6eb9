/** Shows 9: coordinator and parameter server do not grow with steps. */
import { measureMemoryGrowth } from "../../bench/memory-growth.mjs";

const steps = 40_000;
/** A leak of one commit's record would be about 1,000. */
const mostBytesPerStep = 400;
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0);

export const memory = [
  {
    number: "9",
    title: `Memory over ${steps} steps of a tiny job`,
    bar: `coordinator and parameter server grow by less than ${mostBytesPerStep} bytes a step, over the last three quarters`,
    async run({ say }) {
      const { processes, seconds } = await measureMemoryGrowth({ steps });
      for (const { name, startBytes, endBytes, peakBytes, bytesPerStep } of processes)
        say(
          `${name}: ${mebibytes(startBytes)} → ${mebibytes(endBytes)} MiB, peak ${mebibytes(peakBytes)}, ${bytesPerStep.toFixed(0)} bytes a step`,
        );
      const servers = processes.filter(({ name }) => /^(coordinator|parameter-server)/.test(name));
      return {
        figure: `${servers.map(({ name, bytesPerStep, peakBytes }) => `${name} ${bytesPerStep.toFixed(0)} bytes a step, peak ${mebibytes(peakBytes)} MiB`).join("; ")} (${(steps / seconds).toFixed(0)} steps/s)`,
        met: servers.length >= 2 && servers.every(({ bytesPerStep }) => bytesPerStep < mostBytesPerStep),
      };
    },
  },
];
