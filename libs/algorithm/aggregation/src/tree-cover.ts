import type { TreeNode } from "@latentweave/protocol";
import { isAncestor, nodeRange, parentOf, siblingOf } from "./tree.ts";

/** Which slots of a tree are covered, as the fewest nodes: what a reducer holds that merges siblings as they come. */
export class TreeCover {
  readonly #slots: number;
  /** By first slot. */
  readonly #nodes = new Map<number, TreeNode>();

  constructor(slots: number, nodes: readonly TreeNode[] = []) {
    this.#slots = slots;
    for (const node of nodes) this.add(node);
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#nodes.size;
  }

  has(node: TreeNode): boolean {
    for (const held of this.#nodes.values()) if (isAncestor(held, node)) return true;
    return false;
  }

  /** The first slot that is not covered; as many as there are where all of them are. */
  firstMissing(): number {
    let at = 0;
    for (let node = this.#nodes.get(0); node; node = this.#nodes.get(at)) at = this.#end(node);
    return at;
  }

  add(node: TreeNode): void {
    if (this.has(node)) return;
    for (const [start, held] of this.#nodes) if (isAncestor(node, held)) this.#nodes.delete(start);
    const risen = this.#rise(node, (sibling) => this.#nodes.delete(this.#start(sibling)));
    this.#nodes.set(this.#start(risen), risen);
  }

  /** By how much `size` would grow with this node, which is not covered. */
  growth(node: TreeNode): number {
    let merged = 0;
    for (const held of this.#nodes.values()) if (isAncestor(node, held)) merged += 1;
    this.#rise(node, () => (merged += 1));
    return 1 - merged;
  }

  /** @returns what the node becomes a part of; `merging` is told of each held sibling on the way */
  #rise(node: TreeNode, merging: (sibling: TreeNode) => void): TreeNode {
    let at = node;
    for (let parent = parentOf(at, this.#slots); parent; parent = parentOf(at, this.#slots)) {
      const sibling = siblingOf(at, this.#slots);
      if (sibling) {
        if (this.#nodes.get(this.#start(sibling))?.level !== sibling.level) break;
        merging(sibling);
      }
      at = parent;
    }
    return at;
  }

  #start({ level, index }: TreeNode): number {
    return index * (1 << level);
  }

  #end(node: TreeNode): number {
    return nodeRange(node, this.#slots).end;
  }
}
