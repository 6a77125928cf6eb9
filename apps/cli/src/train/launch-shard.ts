import type { StartProcess } from "./process-starter.ts";
import { samePort } from "./same-port.ts";
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
  const { args, onLine } = samePort(
    [
      ...["parameter-server", "--coordinator", url, "--run-id", options.runId],
      ...["--index", String(index), "--shards", String(shards), "--run", directory],
    ],
    "--port",
    options.drill?.shardPorts?.[index],
  );
  const supervised = start(`shard-${index}`, args, {
    restart: { mayHelp: (code) => code !== 0, mostRestarts },
    onRestart: on.restart,
    onLine,
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
