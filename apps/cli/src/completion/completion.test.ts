import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../command/program.ts";
import { describeCommands } from "./describe-commands.ts";
import { completionScript, shells } from "./script.ts";

const commands = describeCommands(createProgram());
let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-completion-"));
  await mkdir(path.join(directory, "runs/digits-1"), { recursive: true });
  await writeFile(path.join(directory, "complete.bash"), completionScript("bash", commands));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What bash would offer for the last word. */
function complete(...words: readonly string[]): readonly string[] {
  const script = `. ./complete.bash; COMP_WORDS=(latentweave ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _latentweave; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
    cwd: directory,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

describe("completion in bash", () => {
  it("offers verbs, flags, their values, inner verbs and runs", () => {
    expect(complete("tra")).toEqual(["train", "transfer", "translate"]);
    expect(complete("translate", "digits-1", "--split", "")).toEqual(["test", "validation", "train"]);
    expect(complete("transfer", "dig")).toEqual(["digits-1"]);
    expect(complete("train", "--work")).toEqual(["--workers"]);
    expect(complete("train", "--launcher", "")).toEqual(["local", "ssh"]);
    expect(complete("data", "g")).toEqual(["get"]);
    expect(complete("hash", "dig")).toEqual(["digits-1"]);
    expect(complete("train", "complete")).toEqual(["complete.bash"]);
    expect(complete("completion", "z")).toEqual(["zsh"]);
    expect(complete("tasks", "analyse", "--budget-s")).toEqual(["--budget-steps"]);
    expect(complete("compare", "dig")).toEqual(["digits-1"]);
  });
});

describe("scripts for all shells", () => {
  it.each(shells)("%s: name every verb and flag", (shell) => {
    const script = completionScript(shell, commands);
    for (const { words, flags } of commands) {
      expect(script).toContain(words.at(-1));
      for (const { long } of flags) expect(script).toContain(long.replace(/^--/, ""));
    }
  });
});
