import type { OpenDigest } from "@latentweave/arithmetic";
import type { TreeNode } from "@latentweave/protocol";
import { isAncestor, isNodeOf, nodeName, nodeRange, parentOf, rootOf, siblingOf } from "./tree.ts";
import type { ValueStore } from "./value-store.ts";

/**
 * Adds one payload slice of one task along the fixed tree, whatever arrives in whatever order. Used alike by a worker
 * (which accepts single slots and pushes what is then held) and by a server shard (which accepts workers' partials).
 *
 * 1. No slot is ever counted twice: no held node is an ancestor of another.
 * 2. A node's value depends on the slots' values alone: it is always left + right of the same two children.
 * 3. Siblings merge as soon as both are held, so every range of slots is held as its fewest nodes; of those that travel,
 *    where `travels` is given.
 * 4. The reducer owns the values it holds and releases each exactly once, unless `takeResult` hands one over.
 */
export interface Reducer<V> {
  /**
   * Copies the bytes of a node's value in. "duplicate": these slots are held already, the bytes were not looked at.
   * @param digest is fed what is accepted
   */
  accept(node: TreeNode, bytes: Uint8Array, digest?: OpenDigest): Acceptance;
  /** As `accept`, for a value that is in the store already. The reducer owns it from now on (a duplicate is released). */
  adopt(node: TreeNode, value: V): Acceptance;
  isComplete(): boolean;
  /** The root's value, still owned by the reducer and valid until `reset`. Throws IncompleteReductionError. */
  result(): V;
  /** The root's value, now owned by the caller; the reducer is empty again. Throws IncompleteReductionError. */
  takeResult(): V;
  /** What is held, in slot order; the values stay owned by the reducer. */
  heldNodes(): { readonly node: TreeNode; readonly value: V }[];
  /** Since the last reset: arrivals dropped because held already; held values replaced by an ancestor's. */
  readonly dropped: { readonly duplicates: number; readonly replaced: number };
  /** Releases everything and starts over with zero counts. */
  reset(): void;
}

export type Acceptance = "accepted" | "duplicate";

/** A node that the tree over this many slots does not have reached the reducer: the edge should have refused it. */
export class ForeignNodeError extends Error {
  override readonly name = "ForeignNodeError";
}

/** The result was asked for while slots were missing. */
export class IncompleteReductionError extends Error {
  override readonly name = "IncompleteReductionError";
}

interface Held<V> {
  readonly node: TreeNode;
  readonly value: V;
}

/** What becomes of sums on some levels of the tree before they are the value of a node. */
export interface Rounding<V> {
  at(level: number): boolean;
  /** Consumes the sum. Rounding what is rounded changes nothing. */
  round(sum: V): V;
}

/** An empty reducer over `slots` slots whose values live in `values`. Throws RangeError unless 1 ≤ slots ≤ 2^30. */
export function createReducer<V>(options: {
  readonly slots: number;
  readonly values: ValueStore<V>;
  readonly rounding?: Rounding<V> | undefined;
  /** Nodes of which this is false are not made, unless they are part of one of which it is true; default: all are. */
  readonly travels?: ((node: TreeNode) => boolean) | undefined;
}): Reducer<V> {
  const { slots, values, rounding, travels } = options;
  const root = rootOf(slots);
  const held = new Map<number, Held<V>>();
  // Told as one object, for there is a reducer for each slice of each step, and V8 makes dictionaries of literals with getters.
  const dropped = { duplicates: 0, replaced: 0 };

  function isCovered(node: TreeNode): boolean {
    for (let at: TreeNode | undefined = node; at !== undefined; at = parentOf(at, slots)) {
      if (held.has(keyOf(at))) return true;
    }
    return false;
  }

  function refuseForeign(node: TreeNode): void {
    if (isNodeOf(node, slots)) return;
    throw new ForeignNodeError(`node ${nodeName(node)} is not in the reduction tree over ${slots} slots`);
  }

  function dropDescendants(node: TreeNode): void {
    if (node.level === 0) return;
    for (const [key, entry] of held) {
      if (!isAncestor(node, entry.node)) continue;
      held.delete(key);
      values.release(entry.value);
      dropped.replaced += 1;
    }
  }

  /** Bytes whose sibling is held are added where they lie. */
  function placeBytes(node: TreeNode, bytes: Uint8Array, digest: OpenDigest | undefined): void {
    const sibling = siblingOf(node, slots);
    const other = sibling && held.get(keyOf(sibling));
    const parent = parentOf(node, slots);
    if (!values.addBytes || !other || !parent || travels) {
      place(node, values.take(bytes, digest));
      return;
    }
    const sum = values.addBytes(other.value, bytes, digest);
    held.delete(keyOf(other.node));
    dropDescendants(node);
    rise(parent, rounded(parent, sum));
  }

  function place(node: TreeNode, arrived: V): void {
    dropDescendants(node);
    if (travels) riseFar(node, arrived, travels);
    else rise(node, arrived);
  }

  /** The parent's value from its children's; consumes them. Left is the even index, on every path. */
  function combine(parent: TreeNode, left: V, right: V | undefined): V {
    if (right !== undefined) return rounded(parent, values.add(left, right));
    // Rounded a level below already.
    return rounding?.at(parent.level - 1) === true ? left : rounded(parent, left);
  }

  function rounded(node: TreeNode, sum: V): V {
    return rounding?.at(node.level) === true ? rounding.round(sum) : sum;
  }

  /** Merges into the highest node that travels and of which all parts are held. */
  function riseFar(node: TreeNode, arrived: V, mayTravel: (node: TreeNode) => boolean): void {
    held.set(keyOf(node), { node, value: arrived });
    let highest: TreeNode | undefined;
    for (let at = parentOf(node, slots); at && isWhole(at); at = parentOf(at, slots))
      if (mayTravel(at)) highest = at;
    if (highest) held.set(keyOf(highest), { node: highest, value: build(highest) });
  }

  function isWhole(node: TreeNode): boolean {
    if (held.has(keyOf(node))) return true;
    return node.level > 0 && childrenOf(node).every(isWhole);
  }

  /** Takes what is held of a whole node together. */
  function build(node: TreeNode): V {
    const own = held.get(keyOf(node));
    if (own) {
      held.delete(keyOf(node));
      return own.value;
    }
    const [left, right] = childrenOf(node) as [TreeNode, TreeNode?];
    const first = build(left);
    return combine(node, first, right && build(right));
  }

  function childrenOf({ level, index }: TreeNode): TreeNode[] {
    const left = { level: level - 1, index: 2 * index };
    const right = { level: level - 1, index: 2 * index + 1 };
    return isNodeOf(right, slots) ? [left, right] : [left];
  }

  /** Merges with siblings that are held, as far up as there are any. */
  function rise(node: TreeNode, arrived: V): void {
    let at = node;
    let value = arrived;
    for (;;) {
      const parent = parentOf(at, slots);
      if (parent === undefined) break;
      const sibling = siblingOf(at, slots);
      const other = sibling && held.get(keyOf(sibling));
      if (sibling && !other) break;
      if (sibling && other) {
        held.delete(keyOf(sibling));
        // Floating-point addition of NaN payloads aside it commutes, but the rule costs nothing and holds for any `add`.
        const isLeft = at.index < sibling.index;
        value = isLeft ? combine(parent, value, other.value) : combine(parent, other.value, value);
      } else value = combine(parent, value, undefined);
      at = parent;
    }
    held.set(keyOf(at), { node: at, value });
  }

  function complete(): V {
    const entry = held.get(keyOf(root));
    if (entry !== undefined) return entry.value;
    const covered = [...held.values()].reduce((sum, { node }) => {
      const { start, end } = nodeRange(node, slots);
      return sum + end - start;
    }, 0);
    throw new IncompleteReductionError(`${slots - covered} of ${slots} slots are missing`);
  }

  return {
    accept(node, bytes, digest) {
      refuseForeign(node);
      if (isCovered(node)) {
        dropped.duplicates += 1;
        return "duplicate";
      }
      placeBytes(node, bytes, digest);
      return "accepted";
    },
    adopt(node, value) {
      refuseForeign(node);
      if (isCovered(node)) {
        dropped.duplicates += 1;
        values.release(value);
        return "duplicate";
      }
      place(node, value);
      return "accepted";
    },
    isComplete: () => held.has(keyOf(root)),
    result: complete,
    takeResult() {
      const value = complete();
      held.clear();
      return value;
    },
    heldNodes: () => [...held.values()].sort((a, b) => firstSlot(a.node) - firstSlot(b.node)),
    dropped,
    reset() {
      for (const { value } of held.values()) values.release(value);
      held.clear();
      dropped.duplicates = 0;
      dropped.replaced = 0;
    },
  };
}

function firstSlot({ level, index }: TreeNode): number {
  return index * (1 << level);
}

/** Exact in a double: levels stay below 32, indices below 2^30. */
function keyOf(node: TreeNode): number {
  return node.level * 0x40000000 + node.index;
}
