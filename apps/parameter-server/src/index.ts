export { runShardProcess, type ShardProcessOptions } from "./run-shard.ts";
