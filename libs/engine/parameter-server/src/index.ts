export { createOwnedState, type OwnedSlice, type OwnedState } from "./owned-state.ts";
export { createShard, type Shard } from "./shard.ts";
export { type OfferPolicy, offerPolicy } from "./offers.ts";
export { type CheckpointFile, type CheckpointFiles, type ShardOptions } from "./shard-options.ts";
export { type StoredDecision } from "./state-header.ts";
export { createLoneServer, type LoneServer } from "./lone-server.ts";
