import type { TreeNode } from "@latentweave/protocol";

/**
 * The fixed binary tree over slots 0..slots−1, which decides in which order a task's contributions are added, however
 * they arrive. Node (level, index) covers [index·2^level, (index+1)·2^level) cut to `slots`; its value is left +
 * right; where the right child would lie wholly past the last slot, the value is the left child's, unchanged.
 */

/** A half-open range of slots. */
export interface SlotRange {
  readonly start: number;
  readonly end: number;
}

// Node indices and widths stay exact in 32-bit shifts up to here.
const mostSlots = 0x40000000;

/** Level of the node that covers all slots: ⌈log2 slots⌉. Throws RangeError unless 1 ≤ slots ≤ 2^30. */
export function rootLevel(slots: number): number {
  if (!Number.isSafeInteger(slots) || slots < 1 || slots > mostSlots) {
    throw new RangeError(`a reduction tree needs from 1 to ${mostSlots} slots, not ${slots}`);
  }
  return slots === 1 ? 0 : 32 - Math.clz32(slots - 1);
}

/** The root: covers every slot. */
export function rootOf(slots: number): TreeNode {
  return { level: rootLevel(slots), index: 0 };
}

/** True for the nodes that the tree over `slots` has: within the root's levels, covering at least one slot. */
export function isNodeOf(node: TreeNode, slots: number): boolean {
  return (
    Number.isSafeInteger(node.level) &&
    Number.isSafeInteger(node.index) &&
    node.level >= 0 &&
    node.level <= rootLevel(slots) &&
    node.index >= 0 &&
    node.index * (1 << node.level) < slots
  );
}

/** Slots under a node of the tree. */
export function nodeRange(node: TreeNode, slots: number): SlotRange {
  const width = 1 << node.level;
  return { start: node.index * width, end: Math.min((node.index + 1) * width, slots) };
}

/** The node one level up; undefined for the root. */
export function parentOf(node: TreeNode, slots: number): TreeNode | undefined {
  if (node.level >= rootLevel(slots)) return undefined;
  return { level: node.level + 1, index: node.index >>> 1 };
}

/** The other child of the parent; undefined for the root and where it would lie past the last slot. */
export function siblingOf(node: TreeNode, slots: number): TreeNode | undefined {
  if (node.level >= rootLevel(slots)) return undefined;
  const sibling = { level: node.level, index: node.index ^ 1 };
  return isNodeOf(sibling, slots) ? sibling : undefined;
}

/** True when `ancestor` lies above `node`, or is the node itself. */
export function isAncestor(ancestor: TreeNode, node: TreeNode): boolean {
  return ancestor.level >= node.level && node.index >>> (ancestor.level - node.level) === ancestor.index;
}

/**
 * The fewest nodes that cover [start, end) exactly, in slot order; at most two per level. A node counts as inside
 * when its range cut to `slots` is. Throws RangeError unless 0 ≤ start ≤ end ≤ slots.
 */
export function maximalNodes(start: number, end: number, slots: number): TreeNode[] {
  const top = rootLevel(slots);
  if (!(
    Number.isSafeInteger(start) &&
    Number.isSafeInteger(end) &&
    0 <= start &&
    start <= end &&
    end <= slots
  )) {
    throw new RangeError(`slots ${start} to ${end} are no range within 0 to ${slots}`);
  }
  const nodes: TreeNode[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    while (level < top) {
      const width = 1 << (level + 1);
      // Rising keeps the first slot in place; the last one may pass `end` only where the tree itself is cut.
      if (at % width !== 0 || Math.min(at + width, slots) > end) break;
      level += 1;
    }
    nodes.push({ level, index: at / (1 << level) });
    at = Math.min(at + (1 << level), slots);
  }
  return nodes;
}

/** True when these are nodes of the tree that cover just the slots of `node`, each once. */
export function isPartition(node: TreeNode, parts: readonly TreeNode[], slots: number): boolean {
  if (!parts.every((part) => isNodeOf(part, slots))) return false;
  const whole = nodeRange(node, slots);
  const ranges = parts.map((part) => nodeRange(part, slots)).sort((a, b) => a.start - b.start);
  let at = whole.start;
  for (const { start, end } of ranges) {
    if (start !== at) return false;
    at = end;
  }
  return at === whole.end;
}

/** A name for maps and logs, such as "3:1" for level 3, index 1. */
export function nodeName(node: TreeNode): string {
  return `${node.level}:${node.index}`;
}
