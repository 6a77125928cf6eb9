import { mostThreads } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";

/** Where a container may use fewer processors than it sees, or they are wanted for something else. */
const threadsName = "LATENTWEAVE_SHARD_THREADS";

/**
 * Threads that share a shard's products and updates: of half of the processors, the shard's share. Workers wait for these,
 * so all are free but for what the coordinator and workers do besides. Shards are taken to be on one host.
 * @throws UserError when the environment says something that is no number of threads
 */
export function updateThreads({
  shards,
  cores,
  env,
}: {
  readonly shards: number;
  readonly cores: number;
  readonly env: NodeJS.ProcessEnv;
}): number {
  const said = env[threadsName];
  if (said === undefined || said === "")
    return Math.max(1, Math.min(mostThreads, Math.floor(cores / 2 / shards)));
  if (/^[1-9]$/.test(said) && Number(said) <= mostThreads) return Number(said);
  throw new UserError({
    what: `${threadsName} is "${said}"`,
    expected: `a whole number from 1 to ${mostThreads}`,
    mend: "unset it, and a shard takes its share of the processors",
  });
}
