/** A coordinator and a parameter server of this checkout, as processes of their own: the product's commands. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { commandFile } from "../own-command.mjs";

/**
 * @param folder the run's own folder, to be made
 * @param workers the first step waits for as many
 * @param profile where processes leave a profile of what they spent their time on, as `profiling` says
 * @param flags more of them for the coordinator
 */
export async function startCluster({ folder, spec, workers, profile, flags = [] }) {
  mkdirSync(path.join(folder, "logs"), { recursive: true });
  writeFileSync(path.join(folder, "spec.json"), JSON.stringify(spec));
  writeFileSync(
    path.join(folder, "job.json"),
    JSON.stringify({ checkpoints: { keep: 1 }, launcher: { hostAggregation: "off" } }),
  );
  const main = await commandFile();
  const start = (name, args) => {
    const log = openSync(path.join(folder, "logs", `${name}.log`), "w");
    const child = spawn(process.execPath, [...profiling(profile, name), main, name, ...args], {
      stdio: ["ignore", "pipe", log],
    });
    const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    return { child, ended };
  };
  const runId = path.basename(folder);
  const coordinator = start("coordinator", [
    "--run",
    folder,
    "--workers",
    String(workers),
    "--no-dashboard",
    ...flags,
  ]);
  const url = await listening(coordinator.child, path.join(folder, "logs", "coordinator.log"));
  const server = start("parameter-server", ["--coordinator", url, "--run-id", runId]);
  server.child.stdout.resume();
  const processes = { coordinator: coordinator.child.pid, "parameter server": server.child.pid };
  return {
    url,
    runId,
    processes,
    /** A coordinator that is short of time may not answer at once: that is seen in the heartbeats. */
    async snapshot() {
      for (let attempt = 1; ; attempt++) {
        try {
          return await (await fetch(new URL("/api/v1/run", url))).json();
        } catch (error) {
          if (attempt === 5) throw error;
        }
      }
    },
    /** The run has come to its end. @throws Error when it ended otherwise */
    async ended() {
      const codes = await Promise.all([coordinator.ended, server.ended]);
      if (codes[0] !== 0) throw new Error(`the coordinator ended with ${codes[0]}; see ${folder}/logs`);
    },
    /** Waits for the run's last checkpoint. @throws Error when it ended otherwise */
    async stop() {
      await fetch(new URL("/api/v1/stop", url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ reason: "measured" }),
      });
      const codes = await Promise.all([coordinator.ended, server.ended]);
      if (codes[0] !== 130) throw new Error(`the coordinator ended with ${codes[0]}; see ${folder}/logs`);
    },
    async kill() {
      for (const { child } of [coordinator, server]) child.kill(profile === undefined ? "SIGKILL" : "SIGINT");
      await Promise.all([coordinator.ended, server.ended]);
    },
  };
}

/** @returns flags of Node.js */
export function profiling(profile, name) {
  return profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", path.join(profile, name)];
}

function listening(child, log) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = JSON.parse(line);
      if (said.listening !== undefined) resolve(said.listening);
    });
    child.once("close", () =>
      reject(new Error(`no coordinator:\n${readFileSync(log, "utf8").slice(-2000)}`)),
    );
  });
}

/** Resident bytes, now and at most, of each process. Linux only. */
export function memoryOf(processes) {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const bytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
      return [name, { residentBytes: bytes("VmRSS"), peakBytes: bytes("VmHWM") }];
    }),
  );
}
