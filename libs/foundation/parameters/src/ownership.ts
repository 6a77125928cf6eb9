import { blockNumbers, familiesOf, type ParameterGroup, type ParameterLayout } from "./layout.ts";

/**
 * A contiguous range of a group's numbers, whole blocks (the group's last block may be short): what is sent and summed by
 * itself.
 */
export interface Slice {
  readonly group: number;
  readonly start: number;
  readonly numbers: number;
}

/**
 * A slice has no more blocks (2 MiB), so that what is summed of it, and what waits for its neighbour in the tree, is
 * small beside the model; with half as many an exchange between processes of a host takes a seventh longer. Where Ω
 * needs all of a family at once, a slice is as long as what lies together.
 */
const sliceBlocks = 32;

/**
 * Which slices each shard owns: blocks are taken in layout order, those of a family row by row (block i of every
 * member together, because Ω relates them number by number; a whole family with what is learned about it is one row),
 * and cut into `shards` ranges of nearly equal length.
 * A shard may own nothing when there are more shards than rows.
 */
export function ownership(layout: ParameterLayout, shards: number): readonly (readonly Slice[])[] {
  const rows = blockRows(layout);
  const total = rows.reduce((sum, row) => sum + row.numbers, 0);
  const owned: Slice[][] = Array.from({ length: shards }, () => []);
  let before = 0;
  for (const row of rows) {
    const middle = before + row.numbers / 2;
    const shard = Math.min(shards - 1, Math.floor((middle * shards) / total));
    for (const block of row.blocks) appendBlock(owned[shard] as Slice[], block, row.whole);
    before += row.numbers;
  }
  return owned.map((slices) => [...slices].sort((a, b) => a.group - b.group || a.start - b.start));
}

interface BlockRow {
  readonly blocks: readonly Slice[];
  readonly numbers: number;
  readonly whole: boolean;
}

function blockRows(layout: ParameterLayout): BlockRow[] {
  const families = familiesOf(layout);
  const rows: BlockRow[] = [];
  for (const group of layout.groups) {
    const members = group.family === undefined ? [group] : (families.get(group.family) ?? [group]);
    if (members[0] !== group || families.has(group.relates ?? "")) continue;
    if (group.whole) {
      const blocks = [...members, ...about(layout, group)].flatMap(allBlocks);
      rows.push({ blocks, numbers: blocks.reduce((sum, slice) => sum + slice.numbers, 0), whole: true });
      continue;
    }
    for (let block = 0; block < group.blocks; block++) {
      const blocks = members.map((member) => blockSlice(member, block));
      rows.push({ blocks, numbers: blocks.reduce((sum, slice) => sum + slice.numbers, 0), whole: false });
    }
  }
  return rows;
}

function about(layout: ParameterLayout, { family }: ParameterGroup): readonly ParameterGroup[] {
  return layout.groups.filter(({ relates }) => relates !== undefined && relates === family);
}

function allBlocks(group: ParameterGroup): Slice[] {
  return Array.from({ length: group.blocks }, (_, block) => blockSlice(group, block));
}

/** Of their numbers, float32. */
export function sliceBytes(slices: readonly Slice[]): number {
  return 4 * slices.reduce((sum, { numbers }) => sum + numbers, 0);
}

/** The numbers of one block of a group. */
export function blockSlice(group: ParameterGroup, block: number): Slice {
  const start = block * blockNumbers;
  return { group: group.index, start, numbers: Math.min(blockNumbers, group.numbers - start) };
}

function appendBlock(slices: Slice[], block: Slice, whole: boolean): void {
  const last = slices.findLastIndex((slice) => slice.group === block.group);
  const before = slices[last];
  const isFull = before !== undefined && !whole && before.numbers >= sliceBlocks * blockNumbers;
  if (before && !isFull && before.start + before.numbers === block.start)
    slices[last] = { ...before, numbers: before.numbers + block.numbers };
  else slices.push(block);
}
