/** Reports: the tutorial's model is trained whole, and its report says what sharing gained. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

export const reportRows = [
  {
    number: "12",
    title: "the tutorial's model: loaded, preprocessed, trained, and what sharing gained",
    bar: "both models, three seeds, shared and alone at equal budgets, reports written",
    async run({ scratch, say }) {
      const { code, output } = await runCommand(
        [process.execPath, "examples/tutorial/gains.mjs", "--out", scratch],
        { cwd: root },
      );
      if (code !== 0) throw new Error(output.slice(-3000));
      const figures = [];
      let met = true;
      for (const name of ["bank", "shared-latent"]) {
        const { gains, warnings, sides } = JSON.parse(
          readFileSync(path.join(scratch, name, "gains.json"), "utf8"),
        );
        const [{ mean, tasks }] = gains;
        const percent = (share) => `${(100 * share).toFixed(1)} %`;
        for (const [task, gain] of Object.entries(tasks))
          say(`${name}, ${task}: ${percent(gain.mean)} (${gain.interval.map(percent).join(" to ")})`);
        for (const warning of warnings) say(`careful: ${warning}`);
        figures.push(`${name} Δm ${percent(mean.mean)} (${mean.interval.map(percent).join(" to ")})`);
        const written = [
          "gains.html",
          "gains.md",
          "report/report.html",
          "report/report.md",
          "report/report.json",
        ];
        met &&= written.every((file) => existsSync(path.join(scratch, name, file)));
        met &&= mean.n === 3 && warnings.length === 0 && sides.every(({ seeds }) => seeds.length === 3);
      }
      return { figure: figures.join("; "), met };
    },
  },
];
