export { createShard, type Shard, type ShardOptions } from "./shard.ts";
