/** Shows 1, 2 and 10: what a stranger sees, from a fresh clone or from the packed file, with no caches. */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { nodeOfVersion } from "../node-versions.mjs";
import { plain, root, runCommand } from "../run-command.mjs";

const minutes = (seconds) => `${(seconds / 60).toFixed(1)} min`;
const hour = 3_600_000;

async function mustRun(command, options) {
  const result = await runCommand(command, options);
  if (result.code !== 0)
    throw new Error(`${command.join(" ")} ended with ${result.code}:\n${result.output.slice(-3000)}`);
  return result;
}

/** A clone of what is committed, and a cache and home of its own. */
async function freshClone(scratch) {
  const clone = path.join(scratch, "clone");
  await mustRun(["git", "clone", "--quiet", root, clone]);
  const cache = path.join(scratch, "cache");
  mkdirSync(cache, { recursive: true });
  return { clone, env: { LATENTWEAVE_CACHE: cache, CI: "true" } };
}

function lastLine(output) {
  return plain(output).trim().split("\n").at(-1);
}

async function startOnce(cwd, env, say) {
  const { code, output, seconds } = await runCommand(["npm", "start"], { cwd, env, timeoutMs: hour });
  const text = plain(output);
  const same = /same bits: ([0-9a-f]+).* = ([0-9a-f]+)/.exec(text);
  const warnings = text.split("\n").filter((line) => /warning|deprecat|tensorflow\/core/i.test(line));
  say(
    `exit ${code} after ${seconds.toFixed(0)} s; same bits: ${same?.[0] ?? "not said"}; ${warnings.length} warnings`,
  );
  for (const line of warnings) say(`  ${line}`);
  if (code !== 0) say(text.slice(-2000));
  const holds = code === 0 && same !== null && same[1] === same[2] && warnings.length === 0;
  return { holds, seconds, text };
}

export const freshStart = [
  {
    number: "1",
    title: "npm start in a fresh clone, without and with caches",
    bar: "exit 0, native, same bits, no warnings; under 6 min, under 3 with caches",
    async run({ scratch, say }) {
      const { clone, env } = await freshClone(scratch);
      const cold = await startOnce(clone, env, say);
      const warm = await startOnce(clone, env, say);
      const isNative = /native/.test(cold.text);
      return {
        figure: `${minutes(cold.seconds)}, with caches ${minutes(warm.seconds)}${isNative ? ", native" : ""}`,
        met: cold.holds && warm.holds && isNative && cold.seconds < 360 && warm.seconds < 180,
      };
    },
  },
  {
    number: "2",
    title: "npm test and .ci/run in a fresh clone",
    bar: "green, last line `N passed, N failed`",
    async run({ scratch, say }) {
      const { clone, env } = await freshClone(scratch);
      const said = [];
      for (const command of [
        ["npm", "test"],
        ["bash", ".ci/run"],
      ]) {
        const { code, output, seconds } = await runCommand(command, { cwd: clone, env, timeoutMs: hour });
        const line = lastLine(output);
        say(`${command.join(" ")}: exit ${code} after ${minutes(seconds)}; ${line}`);
        if (code !== 0) say(plain(output).slice(-3000));
        said.push({ code, line, seconds });
      }
      return {
        figure: said.map(({ line, seconds }) => `${line} in ${minutes(seconds)}`).join("; "),
        met: said.every(({ code, line }) => code === 0 && /^[1-9]\d* passed, 0 failed$/.test(line)),
      };
    },
  },
  {
    number: "10",
    title: "npm pack, npm install FILE.tgz elsewhere",
    bar: "doctor and the tutorial's job run there, under Node 20, 22 and 24",
    async run({ scratch, say }) {
      await mustRun(["npm", "pack", "--workspace", "latentweave", "--pack-destination", scratch]);
      const file = readdirSync(scratch).find((name) => name.endsWith(".tgz"));
      writeFileSync(path.join(scratch, "package.json"), "{}");
      await mustRun(["npm", "install", "--no-audit", "--no-fund", file], { cwd: scratch });
      copyFileSync(path.join(root, "examples/tutorial/job.ts"), path.join(scratch, "job.ts"));
      const figures = [];
      for (const major of [20, 22, 24]) {
        const node = await nodeOfVersion(major);
        // As npx would, but with this Node.
        const own = {
          cwd: scratch,
          env: { PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` },
        };
        const doctor = await runCommand(["npx", "latentweave", "doctor"], own);
        const train = await runCommand(
          ["npx", "latentweave", "train", "job.ts", "--run-id", `node-${major}`],
          own,
        );
        const hash = /^hash +([0-9a-f]{64})/m.exec(plain(train.stdout))?.[1];
        say(
          `Node ${major}: doctor ${doctor.code}, train ${train.code} in ${train.seconds.toFixed(0)} s, ${hash}`,
        );
        if (train.code !== 0) say(plain(train.output).slice(-2000));
        figures.push({ major, hash, ok: doctor.code === 0 && train.code === 0 && hash !== undefined });
      }
      const hashes = new Set(figures.map(({ hash }) => hash));
      return {
        figure: `${figures.filter(({ ok }) => ok).length} of 3; ${hashes.size === 1 ? "one hash" : `${hashes.size} hashes`}`,
        met: figures.every(({ ok }) => ok) && hashes.size === 1,
      };
    },
  },
];
