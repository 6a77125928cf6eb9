import { setTimeout as wait } from "node:timers/promises";
import { UserError } from "@latentweave/protocol";
import { exitCodes } from "../command/failure.ts";
import type { LaunchOptions, RunEnd } from "./launched-run.ts";
import { parseLine, type StartProcess } from "./process-starter.ts";

/** With no further step between them; about ten seconds, as the waits before them double. */
const mostRestarts = 5;
/** Between two attempts to tell a coordinator that is just being started something. */
const tellAgainMs = 100;

/** The coordinator of a run: one process after the other, at one address. */
export interface LaunchedCoordinator {
  readonly url: string;
  /** Once, however many processes it took. */
  readonly ended: Promise<RunEnd>;
  /** Asks for the end of the run after a checkpoint; one that is just being started hears of it too. */
  stop(reason: string): Promise<void>;
  /** The run cannot go on. */
  fail(reason: string): Promise<void>;
  /** The run has got further. */
  foundSound(): void;
}

/**
 * Starts the coordinator, and another one in its place when it ends before the run does: at the same port, with the
 * same token, so that shards and workers, which dial again and again, find it there.
 * @throws UserError when the first does not come to listening
 */
export async function launchCoordinator(
  {
    options,
    directory,
    workers,
    shards,
  }: { options: LaunchOptions; directory: string; workers: number; shards: number },
  start: StartProcess,
  on: {
    readonly restart: (reason: string) => void;
    /** It ended with no word of how the run did, and another start would be in vain. */
    readonly gaveUp: (end: RunEnd) => void;
  },
): Promise<LaunchedCoordinator> {
  const always = [
    ...["coordinator", "--run", directory, "--host", options.host],
    ...["--shards", String(shards), "--workers", String(workers)],
    ...(options.dashboard ? [] : ["--no-dashboard"]),
    ...(options.profileSteps === undefined ? [] : ["--profile", String(options.profileSteps)]),
  ];
  let url: string | undefined;
  let lives = 0;
  let stopping: string | undefined;
  let over = false;
  let settle: (end: RunEnd) => void = () => undefined;
  const ended = new Promise<RunEnd>((resolve) => {
    settle = (end) => {
      over = true;
      resolve(end);
    };
  });

  const argsOfNext = (): string[] => {
    lives += 1;
    if (url === undefined)
      return [...always, "--port", String(options.port), ...(options.resume ? ["--resume"] : [])];
    return [
      ...[...always, "--port", new URL(url).port, "--resume", "--successor"],
      ...(stopping === undefined ? [] : ["--stopping", stopping]),
    ];
  };

  const tell = async (body: Readonly<Record<string, unknown>>, isSettled: () => boolean): Promise<void> => {
    const request = {
      method: "POST",
      body: JSON.stringify(body),
      headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
    };
    while (!over && !isSettled()) {
      const answer = await fetch(new URL("/api/v1/stop", url), request).catch(() => undefined);
      if (answer) return;
      await wait(tellAgainMs);
    }
  };

  let isListening: () => void = () => undefined;
  let refused: (error: Error) => void = () => undefined;
  const listening = new Promise<void>((resolve, reject) => {
    isListening = resolve;
    refused = reject;
  });
  const supervised = start("coordinator", argsOfNext, {
    // One that never listened has told why it cannot; 130 is its answer to being asked twice to end.
    restart: { mayHelp: (code) => url !== undefined && code !== exitCodes.interrupted, mostRestarts },
    onRestart: on.restart,
    onLine(line) {
      const said = parseLine(line);
      if (typeof said?.listening === "string") {
        url = said.listening;
        isListening();
      }
      if (said?.outcome === undefined) return;
      supervised.letEnd();
      settle(said.outcome as RunEnd);
    },
    onEnd(code, signal, lines) {
      const how = signal === null ? `exit code ${code}` : signal;
      const said = lines.filter((line) => !line.startsWith("{"));
      refused(new UserError({ what: said.join("\n") || `the coordinator ended (${how})` }));
      if (over) return;
      const end = endOf(code, how, supervised.restarts, said.at(-1));
      on.gaveUp(end);
      settle(end);
    },
  });
  await listening;

  // TypeScript does not see the assignment in `onLine`.
  return {
    url: url as unknown as string,
    ended,
    async stop(reason) {
      stopping = reason;
      const asked = lives;
      // Those that are started from now on know it from their command line.
      await tell({ reason }, () => lives !== asked);
    },
    fail: (reason) => tell({ reason, failed: true }, () => false),
    foundSound: () => supervised.foundSound(),
  };
}

function endOf(code: number | null, how: string, restarts: number, lastLine: string | undefined): RunEnd {
  const nothing = { version: 0, hash: null };
  const goOn = "`--resume` goes on from the last checkpoint";
  if (code === exitCodes.interrupted)
    return { ...nothing, state: "interrupted", reason: `the coordinator was told to end at once; ${goOn}` };
  const tried = restarts >= mostRestarts ? ` after ${restarts} restarts with no step in between` : "";
  const said = lastLine === undefined ? "" : `: ${lastLine}`;
  return { ...nothing, state: "failed", reason: `the coordinator ended (${how})${tried}${said}; ${goOn}` };
}
