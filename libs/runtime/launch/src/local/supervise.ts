import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";

/** What becomes of a process that ends before it should. */
export interface RestartPolicy {
  /** False for exit codes after which another start would fare no better, or is not wanted. */
  readonly mayHelp: (code: number | null) => boolean;
  /** In a row, without having lived for `steadyMs` or been found sound. */
  readonly mostRestarts: number;
}

export interface SupervisedOptions {
  readonly name: string;
  readonly command: string;
  /** As a function: asked for at each start. */
  readonly args: readonly string[] | (() => readonly string[]);
  readonly env?: Readonly<Record<string, string>>;
  /** First line on standard input, for what must not stand in a process list. */
  readonly secret?: string;
  /** Appended to: both output streams. */
  readonly logFile: string;
  readonly restart?: RestartPolicy;
  /** Lines of standard output. */
  readonly onLine?: (line: string) => void;
  /** Lines of standard error. */
  readonly onErrorLine?: (line: string) => void;
  /** The process has ended for good. */
  readonly onEnd?: (code: number | null, signal: string | null, lastLines: readonly string[]) => void;
  /** It ended and is started again. */
  readonly onRestart?: (reason: string) => void;
}

/** A process that lived this long was healthy: what ends it now has nothing to do with how it was started. */
const steadyMs = 30_000;
/** A process that was killed is back within a few steps; one that fails at once is not started in a busy loop. */
const firstRestartMs = 100;
const longestRestartMs = 5_000;
const keptLines = 20;

/**
 * Starts a process and, with a policy, starts it again when it ends by itself. The child is in a group of its own, so
 * that a terminal's Ctrl-C reaches the launcher alone, and holds our end of its standard input: when this process is
 * gone, however it went, the child reads the end of its input and leaves.
 */
export class Supervised {
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #options: SupervisedOptions;
  readonly #log: WriteStream;
  readonly #lastLines: string[] = [];
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #restarts = 0;
  #end: () => void = () => undefined;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = createWriteStream(options.logFile, { flags: "a" });
    // A full disk must not take the run down with its logs; the run's own files report it.
    this.#log.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Restarts in a row until now. */
  get restarts(): number {
    return this.#restarts;
  }

  /** It has done what it is there for: what ends it now has nothing to do with how it was started. */
  foundSound(): void {
    this.#restarts = 0;
  }

  /** No restart from now on. */
  letEnd(): void {
    this.#stopping = true;
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#finish(null, null);
    }
  }

  /** Asks it to leave: it drains what it has in hand. */
  interrupt(): void {
    this.letEnd();
    this.#child?.kill("SIGTERM");
  }

  kill(): void {
    this.letEnd();
    this.#child?.kill("SIGKILL");
  }

  #start(): void {
    const { command, args, env, secret, onLine, onErrorLine } = this.#options;
    const startedMs = performance.now();
    this.#lastLines.length = 0;
    const child = spawn(command, typeof args === "function" ? args() : args, {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    child.stdin.on("error", () => undefined);
    if (secret !== undefined) child.stdin.write(`${secret}\n`);
    for (const [stream, listener] of [
      [child.stdout, onLine],
      [child.stderr, onErrorLine],
    ] as const) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#log.write(`${new Date().toISOString()} ${line}\n`);
        this.#lastLines.push(line);
        if (this.#lastLines.length > keptLines) this.#lastLines.shift();
        listener?.(line);
      });
    }
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure = error;
      this.#lastLines.push(error.message);
    });
    child.on("close", (code, signal) => {
      this.#child = undefined;
      if (performance.now() - startedMs > steadyMs) this.#restarts = 0;
      if (failure === undefined && this.#mayRestart(code)) this.#restartSoon(code, signal);
      else this.#finish(code, signal);
    });
  }

  #mayRestart(code: number | null): boolean {
    const policy = this.#options.restart;
    if (!policy || this.#stopping) return false;
    return policy.mayHelp(code) && this.#restarts < policy.mostRestarts;
  }

  #restartSoon(code: number | null, signal: string | null): void {
    const delayMs = Math.min(longestRestartMs, firstRestartMs * 2 ** this.#restarts);
    this.#restarts += 1;
    this.#options.onRestart?.(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, delayMs);
  }

  #finish(code: number | null, signal: string | null): void {
    this.#log.end();
    this.#options.onEnd?.(code, signal, this.#lastLines);
    this.#end();
  }
}
