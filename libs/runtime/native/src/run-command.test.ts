import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { runCommand } from "./run-command.ts";

describe("running a command", () => {
  it("ends one that takes too long", async () => {
    const result = await runCommand(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      timeoutMs: 50,
    });
    expect(result).toMatchObject({ kind: "failed", reason: "stopped by SIGTERM" });
  });

  it("leaves nothing behind that holds the process where the command is not there", () => {
    const source = fileURLToPath(new URL("./run-command.ts", import.meta.url));
    const [bundle] = buildSync({
      entryPoints: [source],
      bundle: true,
      write: false,
      format: "cjs",
      platform: "node",
    }).outputFiles;
    // With a timer left it would live for an hour; the exit event tells what is left to wait for.
    const script = `${bundle?.text ?? ""}
      module.exports.runCommand("there-is-no-such-command", [], { timeoutMs: 3_600_000 }).then(({ kind }) => {
        const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
        console.log(kind + " " + timers.length);
        process.exit();
      });`;
    const child = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(child.stdout.trim()).toBe("failed 0");
  });
});
