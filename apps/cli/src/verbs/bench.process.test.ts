import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { expectError } from "../testing/expect-error.ts";
import { runCli } from "../testing/run-cli.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-bench-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("what bench cannot do is said before anything is measured, with the way to mend it", () => {
  it.each([
    [["--workers", "0"], "Expected whole numbers from 1 to 64", "latentweave bench --help"],
    [["--workers", "1,two"], "with commas between, such as 1,2,4", "latentweave bench --help"],
    [["--seconds", "0"], "Expected seconds from 0.2 to 600", "latentweave bench --help"],
    [["--seconds", "soon"], "Expected seconds from 0.2 to 600", "latentweave bench --help"],
    [["--placement", "above"], "Allowed choices are dedicated, beside", "latentweave bench --help"],
    [["--python", "no/such/python"], "this is no Python that can be run", ".venv/bin/python"],
    [["--python", "/bin/echo"], "this is no Python that can be run", "leave --python out"],
    [["--json", "no/such/folder/bench.json"], "cannot be written there", "a folder that is there"],
    [["--device", "cuda:x"], '"cuda:x" names no device', "a CUDA device number"],
  ])("%j", async (args, what, mend) => {
    expectError(await runCli(["bench", "--quiet", ...args], directory), { what, mend, code: 2 });
  });
});
