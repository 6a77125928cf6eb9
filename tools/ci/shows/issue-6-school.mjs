/** Shows 4: School, with regularisers between 139 tasks. */
import { existsSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

/** The table is no part of the project: LATENTWEAVE_SCHOOL names it, or it lies beside the checkout. */
const places = [process.env.LATENTWEAVE_SCHOOL, path.join(root, "../shared/data/school.csv")];
const bar = 37;

export const schoolRows = [
  {
    number: "4",
    title: "School: explained variance over ten splits, λ chosen on validation",
    bar: `≥ ${bar}.0 in the mean for the best regulariser, above ridge per task; Ω of MTRL shown`,
    async run({ say }) {
      const table = places.find((place) => place && existsSync(place));
      if (!table) return { figure: "school.csv is not here: name it in LATENTWEAVE_SCHOOL", met: false };
      const { code, output } = await runCommand(
        ["node", path.join(root, "examples/reproduce/school/run.mjs"), table],
        { timeoutMs: 4 * 3_600_000 },
      );
      for (const line of output.trimEnd().split("\n")) say(line);
      const [, name, mean, above] =
        /best: (\S+) ([\d.]+), (-?[\d.]+) above ridge per task/.exec(output) ?? [];
      const isLearned = output.includes("learned by mtrl");
      return {
        figure: name ? `${name} ${mean}, ${above} above ridge per task` : "no figure",
        met: code === 0 && Number(mean) >= bar && Number(above) > 0 && isLearned,
      };
    },
  },
];
