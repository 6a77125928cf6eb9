import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { Supervised, type SupervisedOptions } from "./supervise.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "supervise-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Runs a script, in as many processes as it takes. @returns what they printed, and how the last one ended */
async function supervise(
  script: string,
  more: Partial<SupervisedOptions> & { readonly onSaid?: (line: string, supervised: Supervised) => void },
): Promise<{ said: string[]; end: string; restarts: number }> {
  const said: string[] = [];
  let end = "";
  const supervised = new Supervised({
    name: "test",
    command: process.execPath,
    args: ["-e", script],
    logFile: path.join(folder, "test.log"),
    ...more,
    onLine(line) {
      said.push(line);
      more.onSaid?.(line, supervised);
    },
    onEnd: (code, signal) => (end = signal ?? `code ${code}`),
  });
  await supervised.ended;
  return { said, end, restarts: supervised.restarts };
}

it("starts a process again until another start would be in vain, with the arguments of that time", async () => {
  let start = 0;
  const { said, end } = await supervise("", {
    args: () => ["-e", `console.log("${++start}"); process.exitCode = ${start < 3 ? 1 : 7}`],
    restart: { mayHelp: (code) => code !== 7, mostRestarts: 5 },
  });
  expect(said).toEqual(["1", "2", "3"]);
  expect(end).toBe("code 7");
});

it("gives a process up that ends after as many restarts in a row as it may have", async () => {
  const { said, restarts } = await supervise("console.log('here'); process.exit(1)", {
    restart: { mayHelp: () => true, mostRestarts: 2 },
  });
  expect(said).toHaveLength(3);
  expect(restarts).toBe(2);
});

it("does not hold restarts against a process that was found sound since", async () => {
  let lives = 0;
  const { said } = await supervise("console.log('here'); process.exit(1)", {
    restart: { mayHelp: () => lives < 4, mostRestarts: 1 },
    onSaid(_, supervised) {
      lives += 1;
      supervised.foundSound();
    },
  });
  expect(said).toHaveLength(4);
});

it("starts nothing again once it was told to let it end, not even what is about to be", async () => {
  let restarts = 0;
  const supervised = new Supervised({
    name: "test",
    command: process.execPath,
    args: ["-e", "process.exit(1)"],
    logFile: path.join(folder, "test.log"),
    restart: { mayHelp: () => true, mostRestarts: 5 },
    onRestart() {
      restarts += 1;
      queueMicrotask(() => supervised.letEnd());
    },
  });
  await supervised.ended;
  expect(restarts).toBe(1);
  expect(supervised.pid).toBeUndefined();
});
