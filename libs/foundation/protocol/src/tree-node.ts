/**
 * A node of the fixed binary tree over a task's slots: it covers the slots
 * `[index * 2^level, (index + 1) * 2^level)`, cut to the number of slots. Level 0 is a single slot.
 */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}
