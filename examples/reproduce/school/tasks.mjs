/** School's table as tasks: one file per school, and how its rows are split. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Columns x1 to x27; x28 is 1 in every row, as the bias of a linear model is. */
const featureCount = 27;
/** Percentages of a school's pupils (x4, x5) are brought to the size of the other columns, which are 0 or 1. */
const percentages = [3, 4];
/** Scores are 0 to 70, 20 in the mean or so: fixed numbers, so that nothing is fitted. Explained variance is the same. */
const [scoreOffset, scoreUnit] = [20, 10];

/** @returns {Map<string, { x: number[], y: number }[]>} rows by school, in the file's order */
export function readSchools(file) {
  const [header, ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const wanted = ["task", ...Array.from({ length: 28 }, (_, i) => `x${i + 1}`), "y"].join(",");
  if (header !== wanted) throw new Error(`${file}: the header is not "task,x1,...,x28,y"`);
  const schools = new Map();
  for (const line of lines) {
    const [school, ...cells] = line.split(",");
    const x = cells.slice(0, featureCount).map(Number);
    for (const place of percentages) x[place] /= 100;
    if (!schools.has(school)) schools.set(school, []);
    schools.get(school).push({ x, y: (Number(cells.at(-1)) - scoreOffset) / scoreUnit });
  }
  return schools;
}

/** Writes FOLDER/SCHOOL.csv for each. */
export function writeSchools(schools, folder) {
  mkdirSync(folder, { recursive: true });
  const header = [...Array.from({ length: featureCount }, (_, i) => `x${i + 1}`), "y"].join(",");
  for (const [school, rows] of schools) {
    const text = [header, ...rows.map(({ x, y }) => [...x, y].join(","))].join("\n");
    writeFileSync(path.join(folder, `${school}.csv`), `${text}\n`);
  }
}

/** Rows of each school as the product deals them (docs/data.md, "Prepared data"). */
export function dealRows(schools, split, splitRows) {
  return [...schools].map(([school, rows]) => {
    const dealt = splitRows(rows.length, split, false);
    const pick = (places) => [...places].map((place) => rows[place]);
    return { school, train: pick(dealt.train), validation: pick(dealt.validation), test: pick(dealt.test) };
  });
}
