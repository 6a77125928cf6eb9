import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError } from "../testing/expect-error.ts";
import { runCli } from "../testing/run-cli.ts";
import { createProgram } from "./program.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-usage-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("wrong usage ends with exit code 2, one message and no stack trace", () => {
  it.each([
    [["trian", "job.ts"], "unknown command 'trian'", "Did you mean train?"],
    [["train", "job.ts", "--worker", "2"], "unknown option '--worker'", "Did you mean --workers?"],
    [["data", "lst"], "unknown command 'lst'", "Did you mean list?"],
    [["train", "job.ts", "--workers", "0"], "argument '0' is invalid", "1 or more"],
    [["train", "job.ts", "--launcher", "slurm"], "argument 'slurm' is invalid", "local, ssh"],
    [["train", "job.ts", "--dashboard", "99999"], "argument '99999' is invalid", "from 0 to 65535"],
    [["train"], "no job was named", "latentweave init"],
    [["train", "job.ts", "--run-id", "../out"], '"../out" cannot name a run', "choose another name"],
    [["hash"], "missing required argument 'run'", "latentweave hash --help"],
    [["init"], "no data was named", "latentweave init DATA..."],
    [["encode", "r", "x.csv", "-o", "x.txt"], 'written as ".txt"', ".npy or .csv"],
    [["data", "get", "mnits"], 'no data set "mnits"', "fashion-mnist"],
    [["completion", "tcsh"], "'tcsh' is invalid", "bash, zsh, fish"],
  ])("%j", async (args, what, mend) => {
    expectError(await runCli(args, directory), { what, mend, code: 2 });
  });

  it("leaves no file behind", async () => {
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("help", () => {
  it("of every verb that people type shows examples and what the verb is for", () => {
    const program = createProgram();
    for (const command of program.createHelp().visibleCommands(program)) {
      if (command.name() === "help") continue;
      expect(command.summary() || command.description(), command.name()).not.toBe("");
      const inner = command.commands.length > 0 ? command.commands : [command];
      for (const leaf of inner) {
        if (["coordinator", "parameter-server", "worker"].includes(leaf.name())) continue;
        let text = "";
        leaf.configureOutput({ writeOut: (part) => (text += part) });
        leaf.outputHelp();
        expect(text, leaf.name()).toContain("Examples:\n  $ latentweave ");
      }
    }
  });

  it("and the version end with exit code 0, on standard output", async () => {
    const [help, version] = await Promise.all([
      runCli(["help", "train"], directory),
      runCli(["--version"], directory),
    ]);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("Usage: latentweave train");
    expect(version.code).toBe(0);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
