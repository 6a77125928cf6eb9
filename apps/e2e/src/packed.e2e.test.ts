/** What users install, in a folder that knows nothing of this checkout. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type CommandOptions, root, run, start } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { otherNode } from "./other-nodes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { exampleJob } from "./training.ts";

const folder = temporaryFolder();
const installed = path.join(folder, "node_modules/latentweave/bin/latentweave.mjs");
const quietly = { encoding: "utf8", stdio: "pipe" } as const;
const codeOf = (dist: string) => readdirSync(dist).filter((name) => name.endsWith(".js"));
let codeBefore: string[] = [];

beforeAll(() => {
  codeBefore = codeOf(path.join(root, "apps/cli/dist"));
  execFileSync("npm", ["pack", "--workspace", "latentweave", "--pack-destination", folder], {
    ...quietly,
    cwd: root,
  });
  const file = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  writeFileSync(path.join(folder, "package.json"), "{}");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", file], { ...quietly, cwd: folder });
  copyFileSync(exampleJob("tutorial"), path.join(folder, "job.ts"));
});

describe.each([
  ["this Node", undefined],
  ["Node 24", 24],
])("installed from the packed file, under %s", (name, major) => {
  const options = (): CommandOptions => ({
    cwd: folder,
    entry: installed,
    ...(major === undefined ? {} : { node: otherNode(major) }),
  });

  test("the tutorial's job trains", async () => {
    const runId = name.replace(" ", "-");
    const end = await run(
      ["train", "job.ts", "--steps", "6", "--workers", "2", "--run-id", runId],
      options(),
    );
    expect(end.code, end.stderr).toBe(0);
    expect(await leftBehind(end.mark)).toEqual([]);
    const hash = await run(["hash", runId], options());
    expect(end.stdout).toContain(hash.stdout.trim());
    expect(`${end.stdout}${end.stderr}`).not.toMatch(/warning/i);
  });
});

test("packing leaves the checkout's program as it was, for processes that are loading it", () => {
  expect(codeBefore).not.toEqual([]);
  expect(codeOf(path.join(root, "apps/cli/dist"))).toEqual(codeBefore);
  expect(codeOf(path.join(folder, "node_modules/latentweave/dist"))).toEqual(codeBefore);
});

test("doctor, installed, finds the native runtime", async () => {
  const { code, stdout, stderr } = await run(["doctor", "--json"], { cwd: folder, entry: installed });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ chosen: { name: "native" } });
});

test("bench, installed, has all it needs, what it runs PyTorch with too", async () => {
  const args = ["bench", "--workers", "1", "--seconds", "0.2", "--python", "off"];
  const bench = start(args, { cwd: folder, entry: installed });
  // By then it has computed alone, trained, and begun with exchanges; bench.e2e.test.ts waits for all of it.
  await bench.waitForText(/exchange of 4\.1 kB, 1 worker/);
  bench.signal("SIGINT");
  expect((await bench.ended).code).toBe(130);
  expect(await leftBehind(bench.mark)).toEqual([]);
  const files = readdirSync(path.join(folder, "node_modules/latentweave/dist"));
  expect(files).toEqual(
    expect.arrayContaining(["pytorch_ddp.py", "pytorch_allreduce.py", "end_with_parent.py"]),
  );
});
