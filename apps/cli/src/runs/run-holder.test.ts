import { mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { awaitsCoordinator, coordinatorFile, runHolder } from "./run-holder.ts";

function runDirectory(files: Readonly<Record<string, object>>): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), "latentweave-holder-"));
  for (const [name, value] of Object.entries(files))
    writeFileSync(path.join(directory, name), JSON.stringify(value));
  return directory;
}

const host = os.hostname();
/** More than Linux gives to any process. */
const nobody = 2 ** 22 + 1;
const killed = { pid: nobody, url: "http://127.0.0.1:1", token: null, host };

it("a run whose coordinator was killed waits for the next one while its launcher lives", () => {
  const lock = { pid: nobody, host, started: "" };
  const waiting = runDirectory({ ".lock": lock, [coordinatorFile]: { ...killed, launcher: process.pid } });
  expect(runHolder(waiting)).toBeUndefined();
  expect(awaitsCoordinator(waiting)).toBe(true);
  const lost = runDirectory({ ".lock": lock, [coordinatorFile]: { ...killed, launcher: nobody } });
  expect(awaitsCoordinator(lost)).toBe(false);
});

it("it waits also in the moment between the lock of the killed one and that of the next", () => {
  const directory = runDirectory({ [coordinatorFile]: { ...killed, launcher: process.pid } });
  expect(awaitsCoordinator(directory)).toBe(true);
  writeFileSync(path.join(directory, ".lock"), "");
  expect(awaitsCoordinator(directory)).toBe(true);
});

it("a launcher of another host is not asked, and a coordinator that lives is not waited for", () => {
  const elsewhere = { ...killed, launcher: process.pid, host: `${host}-2` };
  expect(awaitsCoordinator(runDirectory({ [coordinatorFile]: elsewhere }))).toBe(false);
  const held = runDirectory({
    ".lock": { pid: process.pid, host, started: "" },
    [coordinatorFile]: { ...killed, pid: process.pid, launcher: process.pid },
  });
  expect(runHolder(held)?.url).toBe("http://127.0.0.1:1");
  expect(awaitsCoordinator(held)).toBe(false);
});
