/** Shows 1: a job under faults of every kind, and its certificates. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { plain, root, runCommand } from "../run-command.mjs";

const job = "examples/digits-and-fashion/job.ts";
const leastFaults = 25;

/** @returns {Promise<{ code: number, certificates: object[] }>} as `chaos` wrote them, one for each plan */
async function drill(args, { scratch, say }) {
  const out = path.join(scratch, "certificates");
  const command = ["chaos", job, ...args, "--runs", path.join(scratch, "runs"), "--out", out];
  const { code, output } = await runCommand([
    process.execPath,
    path.join(root, "apps/cli/bin/latentweave.mjs"),
    ...command,
  ]);
  for (const line of plain(output).trimEnd().split("\n").slice(-60)) say(line);
  const files = readdirSync(out, { recursive: true }).filter((name) => name.endsWith("certificate.json"));
  return { code, certificates: files.map((name) => JSON.parse(readFileSync(path.join(out, name), "utf8"))) };
}

async function everything(flags, context) {
  const { code, certificates } = await drill(["--plan", "examples/chaos/everything.yaml", ...flags], context);
  const faults = faultsOf(certificates);
  const green = certificates.length === 1 && certificates[0].green;
  return {
    figure: `${faults} faults, ${green ? "green" : "NOT green"}, exit ${code}`,
    met: code === 0 && green && faults >= leastFaults,
  };
}

const everythingBar = `at least ${leastFaults} faults, certificate all green, exit 0`;

export const chaosBeside = {
  number: "15",
  title: "chaos under examples/chaos/everything.yaml, with shards beside the workers",
  bar: everythingBar,
  run: (context) => everything(["--placement", "beside"], context),
};

const faultsOf = (certificates) => certificates.reduce((sum, { faults }) => sum + faults.length, 0);

export const chaos = [
  {
    number: "1a",
    title: "chaos under examples/chaos/everything.yaml",
    bar: everythingBar,
    run: (context) => everything([], context),
  },
  {
    number: "1b",
    title: "chaos --random 1..20",
    bar: "20 certificates all green, exit 0",
    async run(context) {
      const { code, certificates } = await drill(["--random", "1..20"], context);
      const green = certificates.filter((certificate) => certificate.green).length;
      return {
        figure: `${green} of ${certificates.length} green, ${faultsOf(certificates)} faults, exit ${code}`,
        met: code === 0 && green === 20,
      };
    },
  },
];
