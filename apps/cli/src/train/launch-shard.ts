import { parseLine, type StartProcess } from "./process-starter.ts";
import type { LaunchOptions } from "./launched-run.ts";

/** With no further step between them. */
const mostRestarts = 5;

/** One shard of the parameter server: one process after the other, each at the port of the one before. */
export interface LaunchedShard {
  /** The run has got further. */
  foundSound(): void;
}

export function launchShard(
  {
    options,
    directory,
    url,
    index,
    shards,
  }: { options: LaunchOptions; directory: string; url: string; index: number; shards: number },
  start: StartProcess,
  on: {
    readonly restart: (reason: string) => void;
    /** It ended before the run did, and another start would be in vain. */
    readonly gaveUp: (reason: string) => void;
  },
): LaunchedShard {
  const always = [
    ...["parameter-server", "--coordinator", url, "--run-id", options.runId],
    ...["--index", String(index), "--shards", String(shards), "--run", directory],
  ];
  /** Something stands before it. */
  const fixed = options.drill?.shardPorts?.[index];
  let port = fixed;
  const argsOfNext = (): string[] => {
    const args = port === undefined ? always : [...always, "--port", String(port)];
    // One that cannot have the port says so and ends; the next takes any, and everybody is told where it is.
    port = fixed;
    return args;
  };
  const supervised = start(`shard-${index}`, argsOfNext, {
    restart: { mayHelp: (code) => code !== 0, mostRestarts },
    onRestart: on.restart,
    onLine(line) {
      const said = parseLine(line)?.listening;
      if (typeof said === "number") port = said;
    },
    onEnd(code, signal, lines) {
      if (code === 0) return;
      const how = signal === null ? `exit code ${code}` : signal;
      const tried =
        supervised.restarts >= mostRestarts
          ? ` after ${supervised.restarts} restarts with no step in between`
          : "";
      const last = lines.findLast((line) => !line.startsWith("{"));
      on.gaveUp(
        `parameter-server shard ${index} ended (${how})${tried}${last === undefined ? "" : `: ${last}`}`,
      );
    },
  });
  return { foundSound: () => supervised.foundSound() };
}
