import {
  type ParameterGroup,
  type ParameterLayout,
  type PlacedTensor,
  type Slice,
} from "@latentweave/parameters";
import { encodeHeader, type SafetensorsHeader, type StoredTensor } from "./safetensors-header.ts";

/**
 * Which byte of which file each number of each section has. `parameters` has a file of its own; all optimiser states
 * share one, where the state `m` of tensor NAME is called `NAME#m`. Padding between tensors is not stored.
 */

export type FileName = "parameters.safetensors" | "optimizer.safetensors";

/** A sequence of numbers that a slice and a stored tensor have in common. */
export interface TensorRange {
  readonly file: FileName;
  /** First byte in the file. */
  readonly position: number;
  /** First byte within the slice. */
  readonly offset: number;
  readonly bytes: number;
}

export interface PlannedFile {
  readonly name: FileName;
  readonly headerBytes: Buffer;
  readonly header: SafetensorsHeader;
}

/** A caller asked for what the layout does not have, or a checkpoint was finished with parts missing. */
export class CheckpointContractError extends Error {
  override readonly name = "CheckpointContractError";
}

export const parametersSection = "parameters";
const bytesPerNumber = 4;

export function fileOf(section: string): FileName {
  return section === parametersSection ? "parameters.safetensors" : "optimizer.safetensors";
}

export function storedName(section: string, tensor: string): string {
  return section === parametersSection ? tensor : `${tensor}#${section}`;
}

/** The files of a checkpoint with their headers, ready to be written. */
export function planFiles(
  layout: ParameterLayout,
  sections: readonly string[],
  metadata: Readonly<Record<string, string>>,
): readonly PlannedFile[] {
  checkSections(sections);
  const tensors = layout.groups.flatMap((group) => group.tensors);
  const plan = (name: FileName, of: readonly string[]): PlannedFile => {
    const stored = of.flatMap((section) =>
      tensors.map((tensor) => ({ name: storedName(section, tensor.name), shape: tensor.shape })),
    );
    const { bytes, header } = encodeHeader(stored, metadata);
    return { name, headerBytes: bytes, header };
  };
  const states = sections.filter((section) => section !== parametersSection);
  const files = [plan("parameters.safetensors", [parametersSection])];
  if (states.length > 0) files.push(plan("optimizer.safetensors", states));
  return files;
}

function checkSections(sections: readonly string[]): void {
  if (!sections.includes(parametersSection))
    throw new CheckpointContractError(`a checkpoint needs the section "${parametersSection}"`);
  if (new Set(sections).size !== sections.length)
    throw new CheckpointContractError(`a section is listed twice: ${sections.join(", ")}`);
  const odd = sections.find((section) => section === "" || section.includes("#"));
  if (odd !== undefined) throw new CheckpointContractError(`"${odd}" cannot name a section`);
}

/** Answers, for one checkpoint's files, where a slice of a section lies. */
export class Placement {
  readonly #layout: ParameterLayout;
  readonly #stored: ReadonlyMap<string, StoredTensor>;

  constructor(layout: ParameterLayout, files: readonly Pick<PlannedFile, "header">[]) {
    this.#layout = layout;
    this.#stored = new Map(
      files.flatMap((file) => file.header.tensors.map((tensor) => [tensor.name, tensor] as const)),
    );
  }

  /** @throws CheckpointContractError when the layout has no such group or the slice leaves it. */
  group(slice: Slice): ParameterGroup {
    const group = this.#layout.groups[slice.group];
    if (!group || slice.start < 0 || slice.numbers < 1 || slice.start + slice.numbers > group.numbers)
      throw new CheckpointContractError(
        `no such slice: group ${slice.group}, numbers ${slice.start} to ${slice.start + slice.numbers}` +
          (group ? ` (the group has ${group.numbers})` : ""),
      );
    return group;
  }

  /** The stored ranges of a slice, in the order of the slice; what lies between them is padding. */
  ranges(section: string, slice: Slice): TensorRange[] {
    const group = this.group(slice);
    const end = slice.start + slice.numbers;
    const ranges: TensorRange[] = [];
    for (let index = firstTensor(group.tensors, slice.start); index < group.tensors.length; index++) {
      const tensor = group.tensors[index] as PlacedTensor;
      if (tensor.offset >= end) break;
      const from = Math.max(slice.start, tensor.offset);
      const to = Math.min(end, tensor.offset + tensor.numbers);
      if (from >= to) continue;
      const stored = this.#stored.get(storedName(section, tensor.name));
      if (!stored) throw new CheckpointContractError(`the checkpoint has no section "${section}"`);
      ranges.push({
        file: fileOf(section),
        position: stored.position + (from - tensor.offset) * bytesPerNumber,
        offset: (from - slice.start) * bytesPerNumber,
        bytes: (to - from) * bytesPerNumber,
      });
    }
    return ranges;
  }
}

/** Index of the last tensor that begins at or before `number`. */
function firstTensor(tensors: readonly PlacedTensor[], number: number): number {
  let low = 0;
  let high = tensors.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tensors[middle] as PlacedTensor).offset <= number) low = middle;
    else high = middle - 1;
  }
  return low;
}
