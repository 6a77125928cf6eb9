/** What can be wrong with what people give: one clear message, the right exit code, and nothing left behind. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type CommandOptions, type Finished, run } from "./command.ts";
import { expectOneMessage } from "./one-message.ts";
import { smallJob, smallTable, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const folder = temporaryFolder();
let cases = 0;

function newCase(): { readonly here: string; readonly runs: string } {
  const here = path.join(folder, `case-${cases++}`);
  mkdirSync(here);
  return { here, runs: path.join(here, "runs") };
}

async function train(
  job: string,
  runs: string,
  flags: readonly string[] = [],
  options: CommandOptions = {},
): Promise<Finished & { mark: string }> {
  return await run(["train", job, "--runs", runs, "--run-id", "r", "--quiet", ...flags], options);
}

/** Files that a run which never began must not leave. */
function filesIn(runs: string): string[] {
  return existsSync(runs) ? readdirSync(runs, { recursive: true }).map(String) : [];
}

const layers = (...units: number[]) => units.map((each) => ({ kind: "dense", units: each }));

describe("a job", () => {
  test.each<[string, Parameters<typeof smallJob>[0], RegExp[]]>([
    ["an unknown key", { optimizer: { kind: "sgd" } }, [/optimizer/, /optimiser/]],
    ["an unknown key deep inside", { task: { microbatch: 4 } }, [/tasks\.table/, /microbatch/, /microBatch/]],
    ["a wrong type", { steps: "many" }, [/steps/, /many/, /number|integer/]],
    ["shapes that do not fit", { task: { decoder: layers(5) } }, [/decoder/, /\b5\b/, /\b4\b/]],
    ["data of another shape", { task: { input: [6], decoder: layers(6) } }, [/table/, /\b6\b/, /\b4\b/]],
    ["a mirror for rows", { task: { augment: [{ kind: "flip" }] } }, [/table\.augment\[0\]/, /reshape/]],
    ["no data", { task: { data: undefined } }, [/tasks\.table\.data/]],
    ["no task", { tasks: {} }, [/tasks/]],
    ["a file that is missing", { task: { data: { csv: "nowhere.csv" } } }, [/nowhere\.csv/]],
    ["an unknown data set", { task: { data: { dataset: "mnits" } } }, [/mnits/, /mnist/]],
    ["zero workers in the job", { launcher: { kind: "local", workers: 0 } }, [/launcher\.workers/, /0/]],
  ])("with %s", async (_name, change, says) => {
    const { here, runs } = newCase();
    const end = await train(writeJob(here, smallJob(change)), runs, []);
    await expectOneMessage(end, 1, says);
    expect(filesIn(runs)).toEqual([]);
  });

  test("that is no JSON, naming the line", async () => {
    const { here, runs } = newCase();
    const file = path.join(here, "job.json");
    writeFileSync(file, '{\n  "name": "x",\n  "steps" 4\n}\n');
    await expectOneMessage(await train(file, runs), 1, [/job\.json:3/]);
  });

  test("that is not there", async () => {
    const { here, runs } = newCase();
    await expectOneMessage(await train(path.join(here, "jbo.ts"), runs), 1, [/jbo\.ts/]);
  });
});

describe("data", () => {
  const line = (n: number, text: string) => smallTable().split("\n").with(n, text).join("\n");

  test.each<[string, string, RegExp[]]>([
    ["a ragged row", line(7, "1,2,3"), [/table\.csv, line 8/, /3 cells/, /expected: 4/]],
    ["a word among numbers", line(9, "1,2,much,4"), [/table\.csv, line 10, column 3 \(c\)/, /much/]],
    ["NaN", line(5, "1,NaN,3,4"), [/table\.csv, line 6, column 2 \(b\)/, /NaN/]],
    ["nothing", "", [/table\.csv/]],
    ["a header alone", "a,b,c,d\n", [/table\.csv/]],
    ["a single row", "a,b,c,d\n1,2,3,4\n", [/tasks\.table\.data/, /a single example to train on/]],
  ])("a table with %s", async (_name, table, says) => {
    const { here, runs } = newCase();
    await expectOneMessage(await train(writeJob(here, smallJob(), table), runs), 1, says);
    expect(filesIn(runs)).toEqual([]);
  });

  test.each<[string, object, Uint8Array]>([
    [
      "an IDX file cut short",
      { idx: { images: "data.bin" } },
      Buffer.from("000008030000000a0000001c0000001c00", "hex"),
    ],
    ["an NPY file that is none", { npy: { x: "data.bin" } }, Buffer.from("no numbers at all")],
    [
      "an NPZ archive that is none",
      { npz: { file: "data.bin", x: "x" } },
      Buffer.from("PK\u0003\u0004 torn"),
    ],
  ])("%s", async (_name, data, bytes) => {
    const { here, runs } = newCase();
    writeFileSync(path.join(here, "data.bin"), bytes);
    await expectOneMessage(await train(writeJob(here, smallJob({ task: { data } })), runs), 1, [/data\.bin/]);
    expect(filesIn(runs)).toEqual([]);
  });
});

describe("the command line", () => {
  test.each<[string, readonly string[], RegExp[]]>([
    ["zero workers", ["train", "job.json", "--workers", "0"], [/workers/, /0/]],
    ["a number that is none", ["train", "job.json", "--steps", "few"], [/steps/, /few/]],
    ["no job", ["train"], [/job/]],
  ])("with %s", async (_name, args, says) => {
    const { here } = newCase();
    writeJob(here);
    await expectOneMessage(await run([...args], { cwd: here }), 2, says);
    expect(existsSync(path.join(here, "runs"))).toBe(false);
  });

  test.each<[string, readonly string[], RegExp]>([
    ["an unknown verb", ["trian"], /train/],
    ["an unknown flag", ["train", "job.json", "--worker", "2"], /--workers/],
  ])("with %s, and the nearest known one", async (_name, args, says) => {
    const end = await run([...args]);
    expect(end.code, end.stderr).toBe(2);
    expect(end.stderr).toMatch(says);
    expect(end.stderr).not.toMatch(/^\s+at /m);
  });

  test("a port in use", async () => {
    const { here, runs } = newCase();
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    try {
      const end = await train(writeJob(here), runs, ["--dashboard", String(port)]);
      await expectOneMessage(end, 1, [new RegExp(String(port)), /in use/]);
    } finally {
      server.close();
    }
  });

  test.each([["hash"], ["inspect"], ["status"], ["stop"], ["evaluate"]])(
    "`%s` of a run that is not there",
    async (verb) => {
      const { runs } = newCase();
      mkdirSync(runs);
      await expectOneMessage(await run([verb, "nobody", "--runs", runs]), 1, [/nobody/]);
    },
  );
});
