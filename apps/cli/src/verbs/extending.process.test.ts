import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError } from "../testing/expect-error.ts";
import { runCli } from "../testing/run-cli.ts";

const job = fileURLToPath(new URL("../../../../examples/extending/job.ts", import.meta.url));

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-extending-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const train = (run: string, workers: string, ...more: readonly string[]) =>
  runCli(
    [
      ...["train", job, "--backend", "cpu", "--steps", "6", "--run-id", run, "--quiet"],
      ...["--workers", workers, "--shards", workers, ...more],
    ],
    directory,
  );

describe("the example of an extension", () => {
  it("trains with everything that the extension brings, to the same bits on any cluster, and can be proved", async () => {
    for (const [run, workers] of [
      ["one", "1"],
      ["two", "2"],
    ] as const) {
      const { code, stderr } = await train(run, workers);
      expect([stderr, code]).toEqual(["", 0]);
    }
    const hash = async (run: string): Promise<string> =>
      (JSON.parse((await runCli(["hash", run, "--json"], directory)).stdout) as { hash: string }).hash;
    expect(await hash("two")).toBe(await hash("one"));
    const plain = await train("plain", "1", "--set", "combiner=sum", "--set", "regulariser.lambda=0");
    expect(plain.code).toBe(0);
    expect(await hash("plain")).not.toBe(await hash("one"));
    const proof = await runCli(["verify", "two", "--recompute", "2..4"], directory);
    expect(proof.stdout).toContain("proved: steps 2 to 4");
    const measured = await runCli(["evaluate", "one", "--json"], directory);
    expect(measured.code).toBe(0);
  }, 120_000);

  it("is told which names there are, where one is wrong", async () => {
    for (const [field, what, mend] of [
      ["combiner.name", 'no combiner "other"', "extensions"],
      ["regulariser.name", 'no regulariser "other"', "extensions"],
      ["tasks.two.reconstruction.name", 'no loss "other"', "extensions"],
      ["tasks.two.data.user.name", 'no data set "other"', "extensions"],
    ] as const)
      expectError(await train("wrong", "1", "--set", `${field}=other`), { what, mend, code: 1 });
  }, 60_000);
});
