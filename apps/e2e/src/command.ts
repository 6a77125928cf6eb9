/** The command `latentweave` of this checkout, as people run it: a process, its output, its exit code. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CommitPoint, RunEvent, RunSnapshot } from "@latentweave/telemetry";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
const entry = fileURLToPath(new URL("../../cli/bin/latentweave.mjs", import.meta.url));

/** In the environment of a started command and so of everything that it starts: what is left over is found by it. */
export const markName = "LATENTWEAVE_E2E_MARK";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another Node.js than this one. */
  readonly node?: string;
  /** Another file than this checkout's command. */
  readonly entry?: string;
  /** What the command is started by, as `ip netns exec NAME`. */
  readonly within?: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `train --json` says, one object per line. */
export type Said =
  | { readonly kind: "snapshot"; readonly snapshot: RunSnapshot }
  | { readonly kind: "commit"; readonly point: CommitPoint }
  | { readonly kind: "event"; readonly event: RunEvent }
  | { readonly kind: "end"; readonly state: string; readonly step: number; readonly hash: string | null };

export interface Running {
  readonly pid: number;
  readonly mark: string;
  readonly ended: Promise<Finished>;
  /** Everything said so far with `--json`. */
  readonly said: readonly Said[];
  readonly stderr: () => string;
  signal(signal: NodeJS.Signals): void;
  /**
   * The first line of JSON, already said or to come, that `pick` gives something for.
   * @throws Error with all output where the command ends without one
   */
  waitFor<T>(what: string, pick: (said: Said) => T | undefined): Promise<T>;
  /** The same for a line of standard error. */
  waitForText(pattern: RegExp): Promise<RegExpExecArray>;
}

const started = new Set<ChildProcess>();

/** Starts the command; nothing of it outlives this process. */
export function start(args: readonly string[], options: CommandOptions = {}): Running {
  const mark = randomUUID();
  const whole = [
    ...(options.within ?? []),
    options.node ?? process.execPath,
    options.entry ?? entry,
    ...args,
  ];
  const child = spawn(whole[0] as string, whole.slice(1), {
    cwd: options.cwd ?? root,
    // Nx asks for colours; Node.js warns where both are asked for and forbidden.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: "1", ...options.env, [markName]: mark },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.add(child);
  const said: Said[] = [];
  let stdout = "";
  let stderr = "";
  let isOver = false;
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    stdout += `${line}\n`;
    if (line.startsWith('{"')) said.push(JSON.parse(line) as Said);
    notify();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  const ended = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      started.delete(child);
      isOver = true;
      resolve({ code, signal, stdout, stderr });
      notify();
    });
  });

  function until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        const found = look();
        if (found === undefined && !isOver) return;
        watchers.delete(watcher);
        if (found !== undefined) resolve(found);
        else reject(new Error(`it ended without ${what}:\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`));
      };
      watchers.add(watcher);
      watcher();
    });
  }

  return {
    pid: child.pid ?? -1,
    mark,
    ended,
    said,
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    waitFor(what, pick) {
      let next = 0;
      return until(what, () => {
        while (next < said.length) {
          const found = pick(said[next++] as Said);
          if (found !== undefined) return found;
        }
        return undefined;
      });
    },
    waitForText: (pattern) => until(String(pattern), () => pattern.exec(stderr) ?? undefined),
  };
}

/** Runs the command to its end. */
export async function run(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Finished & { mark: string }> {
  const running = start(args, options);
  return { ...(await running.ended), mark: running.mark };
}

// A test that fails half way must not leave a cluster behind; what the command started leaves with it.
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});
