/** Shows 4: School, with regularisers between 139 tasks. */
import { findData, reproduce } from "./reproduction.mjs";

const bar = 37;

export const schoolRows = [
  {
    number: "4",
    title: "School: explained variance over ten splits, λ chosen on validation",
    bar: `≥ ${bar}.0 in the mean for the best regulariser, above ridge per task; Ω of MTRL shown`,
    async run({ say }) {
      const table = findData("LATENTWEAVE_SCHOOL", "school.csv");
      if (!table) return { figure: "school.csv is not here: name it in LATENTWEAVE_SCHOOL", met: false };
      const { code, output } = await reproduce("school", { say, args: [table], hours: 4 });
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
