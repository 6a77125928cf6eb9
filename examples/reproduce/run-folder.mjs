/** Where a reproduction writes its jobs and runs, and what it need not compute again. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { train } from "../../tools/ci/latentweave.mjs";

/**
 * @param {string} name of a folder for the time being
 * @param {string | undefined} kept a folder that stays, so that a stopped command goes on
 */
export function openRunFolder(name, kept) {
  const folder = path.resolve(kept ?? mkdtempSync(path.join(os.tmpdir(), `latentweave-${name}-`)));
  const runs = path.join(folder, "runs");
  mkdirSync(runs, { recursive: true });
  const figuresFile = path.join(folder, "figures.json");
  const figures = existsSync(figuresFile) ? JSON.parse(readFileSync(figuresFile, "utf8")) : {};
  return {
    folder,
    runs,

    /** What is kept under this name, or what `find` comes to, which is kept from then on. */
    async figure(key, find) {
      if (figures[key]) return figures[key];
      figures[key] = await find();
      writeFileSync(figuresFile, JSON.stringify(figures, undefined, 2));
      return figures[key];
    },

    /**
     * One run of the product, in place of one of this name.
     * @returns {Promise<{ evaluation: object, seconds: number, hash: string }>} evaluation: the last one, by task
     */
    async train(runId, job) {
      const file = path.join(folder, `${runId}.json`);
      writeFileSync(file, JSON.stringify(job));
      rmSync(path.join(runs, runId), { recursive: true, force: true });
      let evaluation;
      const { code, end, stderr, seconds } = await train(
        [file, "--runs", runs, "--run-id", runId, "--dashboard", "off"],
        {
          onSaid: (said) =>
            (evaluation = said.kind === "commit" ? (said.point.evaluation ?? evaluation) : evaluation),
        },
      );
      if (code !== 0) throw new Error(`${runId} ended with ${code}:\n${stderr.slice(-2000)}`);
      return { evaluation, seconds, hash: end.hash };
    },

    /** At the end. */
    close() {
      if (!kept) rmSync(folder, { recursive: true, force: true });
    },
  };
}
