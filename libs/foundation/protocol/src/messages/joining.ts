/** Any process and the coordinator, once per connection. */
import { z } from "zod";
import { common, count, id, port } from "./parts.ts";

const hello = z.strictObject({
  type: z.literal("hello"),
  ...common,
  protocol: z.int(),
  role: z.enum(["worker", "shard"]),
  /** Stable across reconnects: `workerId`, or `shard-K`. */
  id,
  host: z.string().max(300),
  pid: count,
  software: z.string().max(100),
  /** Shards: where they listen, reachable from the coordinator's host. */
  listening: z.strictObject({ index: count, port }).optional(),
  /**
   * Workers of another host than the coordinator's: ready to relay for those that share its loopback interface, of
   * which `loopback` is a name.
   */
  relay: z.strictObject({ loopback: z.string().min(1).max(100), port }).optional(),
  /** Workers: see docs/protocol.md, "Admission". */
  determinismClass: z.record(z.string().max(60), z.string().max(500)).optional(),
});

/** `spec` is the JSON text of the RunSpec: the same text, byte for byte, for every process of the run. */
const welcome = z.strictObject({
  type: z.literal("welcome"),
  ...common,
  generation: count,
  /** Tells the run from another of the same name; stays when it is resumed. */
  runKey: z.string().max(200),
  spec: z.string(),
  /** Addresses of the shards in order; a path is relative to the coordinator's address. Empty for shards. */
  shards: z.array(z.string().max(500)),
  /** Where prepared data is read: a directory when on the same host, else a path on the coordinator. */
  data: z.strictObject({ kind: z.enum(["directory", "url"]), at: z.string().max(4000) }),
  /** The run is profiled; what the coordinator's clock shows, and what that of its host showed when it was at zero. */
  profile: z.strictObject({ nowMs: z.number(), zeroMs: z.number() }).optional(),
});

export const joiningMessages = [hello, welcome] as const;
