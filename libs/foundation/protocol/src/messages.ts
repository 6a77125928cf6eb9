import { z } from "zod";
import {
  type dealSchema,
  type leaseSchema,
  type payloadSchema,
  type profiledSchema,
  type receivedNodes,
  type timingsSchema,
  type workSchema,
} from "./messages/parts.ts";
import { joiningMessages } from "./messages/joining.ts";
import { workingMessages } from "./messages/working.ts";
import { holdingMessages } from "./messages/holding.ts";
import { committingMessages, type taskRecord, type pausedTask } from "./messages/committing.ts";
import { computingMessages } from "./messages/computing.ts";
import { leadingMessages } from "./messages/leading.ts";
import { keepingMessages } from "./messages/keeping.ts";

/** Raised together with every change that an older peer would misread. It is also the WebSocket subprotocol's number. */
export const protocolVersion = 11;

/** Pieces of a checkpoint that a shard has under way at most: sent, and not answered by `checkpoint-taken`. */
export const mostPiecesUnderWay = 8;

const messageSchema = z.discriminatedUnion("type", [
  ...joiningMessages,
  ...workingMessages,
  ...holdingMessages,
  ...committingMessages,
  ...computingMessages,
  ...leadingMessages,
  ...keepingMessages,
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Type extends Message["type"]> = Extract<Message, { type: Type }>;
export type Lease = z.infer<typeof leaseSchema>;
export type PayloadHeader = z.infer<typeof payloadSchema>;
export type Deal = z.infer<typeof dealSchema>;
export type PausedTask = z.infer<typeof pausedTask>;
export type TaskRecord = z.infer<typeof taskRecord>;
/** A planned step, and the version that it is computed on. */
export type Work = z.infer<typeof workSchema>;
export type ReceivedNodes = z.infer<typeof receivedNodes>;
export type Profiled = z.infer<typeof profiledSchema>;
export type Timings = z.infer<typeof timingsSchema>;

/** A peer sent what this protocol does not know; the connection is closed with 4000. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** @throws ProtocolError naming the message's type, the field and what was expected. */
export function parseMessage(value: unknown): Message {
  const result = messageSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const type =
    typeof value === "object" && value !== null && "type" in value ? String(value.type).slice(0, 40) : "?";
  throw new ProtocolError(
    `message "${type}", field "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "invalid"}`,
  );
}
