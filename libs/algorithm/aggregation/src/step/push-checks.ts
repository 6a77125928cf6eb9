import { encodedBytes, feedbackBytes } from "@latentweave/arithmetic";
import {
  type MessageOf,
  type PayloadHeader,
  ProtocolError,
  type ReceivedNodes,
  type TreeNode,
} from "@latentweave/protocol";
import { feedbackDtype, feedbackOf } from "../feedback-dtype.ts";
import { isNodeOf, isPartition, nodeName } from "../tree.ts";
import { gradientDtype, isRounded, travels } from "../tree-codec.ts";
import { payloadsDue, type TaskReduction } from "./task-reduction.ts";

/* What a push must be to become part of a step: each check throws a ProtocolError that says what is wrong with it. */

/** @throws ProtocolError when the tree over the task's slots has no such node. */
export function checkIsNode({ plan: { task, slots } }: TaskReduction, node: TreeNode): void {
  if (isNodeOf(node, slots)) return;
  throw new ProtocolError(`task "${task}" has ${slots} slots: there is no node ${nodeName(node)}`);
}

/** @throws ProtocolError when the tree over the task's slots has no such node, or it is not one that travels. */
export function checkNode(reduction: TaskReduction, node: TreeNode): void {
  const { plan, codec, apart } = reduction;
  const { task, slots } = plan;
  checkIsNode(reduction, node);
  // Whoever computes a step again from its record must come to the same nodes.
  if (!travels(codec, node, slots, apart))
    throw new ProtocolError(
      `node ${nodeName(node)} of task "${task}" travels as the nodes of level ${apart ? 0 : codec?.level} under it`,
    );
}

/**
 * Portions of whoever sends must be cut from the same row of payloads: a contribution whose last payload has come is then
 * whole, whoever it came of.
 *
 * @throws ProtocolError
 */
export function checkPortion(task: TaskReduction, { node, payloads, portion }: MessageOf<"push">): void {
  if (!portion) return;
  const due = payloadsDue(task);
  const isDue = payloads.every(({ name, slice }, place) => {
    const own = task.slices[portion.from + place]?.slice;
    return own ? own.group === slice?.group && own.start === slice.start : name === "metrics";
  });
  if (portion.of !== due || !isDue)
    throw new ProtocolError(`a portion of node ${nodeName(node)} that is not cut from its ${due} payloads`);
}

/** @throws ProtocolError when a payload is written in another way than is due, or its bytes are not as many. */
export function bytesOf(
  task: TaskReduction,
  node: TreeNode,
  payload: PayloadHeader,
  bytes: Uint8Array | undefined,
): Uint8Array {
  const { name, dtype } = payload;
  const due = name === "gradient" ? dtypeOf(task, node, dtype) : name === "metrics" ? "F64" : dtype;
  if (dtype !== due)
    throw new ProtocolError(`payload "${name}" of node ${nodeName(node)} is ${dtype}, not ${due}`);
  const expected =
    name === "gradient"
      ? gradientBytes(task, node, payload.slice?.numbers ?? 0, dtype)
      : name === "metrics"
        ? (task.metrics?.names.length ?? 0) * 8
        : bytes?.byteLength;
  if (bytes && bytes.byteLength === expected) return bytes;
  throw new ProtocolError(
    `payload "${payload.name}" has ${bytes?.byteLength ?? 0} bytes, not ${expected ?? "any"}`,
  );
}

/** The one that is due, or of those that a sender may choose from the one that he chose. */
function dtypeOf(
  { codec, feedback }: TaskReduction,
  node: TreeNode,
  said: PayloadHeader["dtype"],
): PayloadHeader["dtype"] {
  const [first] = feedback;
  if (!first) return gradientDtype(codec, node);
  return feedbackDtype(feedbackOf(said, feedback) ?? first);
}

function gradientBytes(
  { codec, feedback }: TaskReduction,
  node: TreeNode,
  numbers: number,
  dtype: PayloadHeader["dtype"],
): number {
  const chosen = feedbackOf(dtype, feedback);
  if (chosen) return feedbackBytes(chosen, numbers);
  return codec && isRounded(codec, node.level) ? encodedBytes(codec.codec, numbers) : numbers * 4;
}

/** Whose payload that is. @throws ProtocolError when the node is more than one slot */
export function slotOf(message: MessageOf<"push">): number {
  if (message.node.level !== 0)
    throw new ProtocolError("a payload kept apart belongs to a single slot (level 0)");
  return message.node.index;
}

/** What a relay says that its sum is made of. @throws ProtocolError when that is not just the sum's slots */
export function partsOf(
  { plan }: TaskReduction,
  { node, parts }: MessageOf<"push">,
): ReceivedNodes | undefined {
  if (parts === undefined) return undefined;
  const nodes = parts.map(([level, index]) => ({ level, index }));
  if (isPartition(node, nodes, plan.slots)) return parts;
  throw new ProtocolError(`node ${nodeName(node)} is not made of ${nodes.map(nodeName).join(", ")}`);
}
