export { createShard, type Shard } from "./shard.ts";
export { type ShardOptions } from "./shard-options.ts";
