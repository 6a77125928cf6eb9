import { type Arithmetic, randomKey } from "@latentweave/arithmetic";
import type { ParameterGroup, ParameterLayout, PlacedTensor, Slice } from "@latentweave/parameters";

/** One owned slice in WebAssembly memory: two versions side by side, so that n stays readable while n+1 is written. */
export interface OwnedSlice extends Slice {
  /** Pointers by parity of the version. */
  readonly parameters: readonly [number, number];
  readonly states: ReadonlyMap<string, readonly [number, number]>;
}

/**
 * The parameters and optimiser state of one shard.
 *
 * Invariants:
 * 1. `version` names the newest complete version; its numbers are at parity `version & 1`.
 * 2. An update reads parity `version & 1` and writes the other; `advance` then makes the other the newest.
 * 3. What an update does not touch is copied, so that both parities are whole.
 */
export interface OwnedState {
  readonly slices: readonly OwnedSlice[];
  readonly stateNames: readonly string[];
  readonly version: number;
  /** Pointer of the newest (`ahead` 0) or the coming (1) version of a section. */
  pointer(slice: OwnedSlice, section: string, ahead: 0 | 1): number;
  /** A copy of the newest numbers of a section: safe to send. */
  copy(slice: OwnedSlice, section: string): Uint8Array;
  /** Overwrites newest numbers, for a restore. @throws RangeError when the range is not within an owned slice. */
  restore(section: string, range: Slice, bytes: Uint8Array): void;
  setVersion(version: number): void;
  advance(): void;
  /** Version 0 with fresh parameters, whatever was there. */
  reinitialise(): void;
  /** A predecessor's numbers were found in memory that outlived its process. */
  readonly kept: boolean;
  readonly timeline: number;
  setTimeline(timeline: number): void;
  /** Leader: what was decided on `step`, before anybody hears of it. `encode` makes a text of at most that many bytes. */
  writeDecision(step: number, encode: (maxBytes: number) => string): void;
  /** The newest decision that was written whole. */
  readDecision(): { readonly step: number; readonly text: string } | undefined;
}

const parametersSection = "parameters";

/** Fresh state of version 0: parameters from the keyed generator, optimiser states zero. */
export function createOwnedState(
  arithmetic: Arithmetic,
  layout: ParameterLayout,
  owned: readonly Slice[],
  stateNames: readonly string[],
  seed: number,
): OwnedState {
  let version = 0;
  const pair = (numbers: number): readonly [number, number] => {
    const pointers = [arithmetic.allocate(numbers * 4), arithmetic.allocate(numbers * 4)] as const;
    for (const pointer of pointers) arithmetic.fill(pointer, 0, numbers);
    return pointers;
  };
  const slices = owned.map((slice): OwnedSlice => ({
    ...slice,
    parameters: pair(slice.numbers),
    states: new Map(stateNames.map((name) => [name, pair(slice.numbers)])),
  }));
  let timeline = 0;
  const reinitialise = (): void => {
    version = 0;
    for (const slice of slices) {
      initialise(arithmetic, layout.groups[slice.group] as ParameterGroup, slice, slice.parameters[0], seed);
      for (const [first] of slice.states.values()) arithmetic.fill(first, 0, slice.numbers);
    }
  };
  reinitialise();
  const pointer = (slice: OwnedSlice, section: string, ahead: 0 | 1): number => {
    const pointers = section === parametersSection ? slice.parameters : slice.states.get(section);
    if (!pointers) throw new RangeError(`there is no section "${section}"`);
    return pointers[((version + ahead) & 1) as 0 | 1];
  };
  return {
    slices,
    stateNames,
    get version() {
      return version;
    },
    pointer,
    copy(slice, section) {
      return arithmetic.u8(pointer(slice, section, 0), slice.numbers * 4).slice();
    },
    restore(section, range, bytes) {
      const slice = slices.find(
        (own) =>
          own.group === range.group &&
          own.start <= range.start &&
          range.start + range.numbers <= own.start + own.numbers,
      );
      if (!slice || bytes.byteLength !== range.numbers * 4)
        throw new RangeError(
          `group ${range.group}, numbers ${range.start} to ${range.start + range.numbers} are not this shard's`,
        );
      arithmetic
        .u8(pointer(slice, section, 0) + (range.start - slice.start) * 4, bytes.byteLength)
        .set(bytes);
    },
    setVersion(next) {
      if (((next - version) & 1) === 1) {
        for (const slice of slices) {
          for (const pointers of [slice.parameters, ...slice.states.values()]) {
            const [from, to] = (version & 1) === 0 ? pointers : [pointers[1], pointers[0]];
            arithmetic.u8(to, slice.numbers * 4).set(arithmetic.u8(from, slice.numbers * 4));
          }
        }
      }
      version = next;
    },
    advance() {
      version += 1;
    },
    reinitialise,
    kept: false,
    get timeline() {
      return timeline;
    },
    setTimeline(next) {
      timeline = next;
    },
    writeDecision: () => undefined,
    readDecision: () => undefined,
  };
}

/** Draw j of a tensor's key is its j-th number: any slice can be drawn alone, and shards cannot change a bit. */
function initialise(
  arithmetic: Arithmetic,
  group: ParameterGroup,
  slice: Slice,
  pointer: number,
  seed: number,
): void {
  for (const tensor of group.tensors) {
    const from = Math.max(tensor.offset, slice.start);
    const to = Math.min(tensor.offset + tensor.numbers, slice.start + slice.numbers);
    if (from < to)
      draw(arithmetic, tensor, from - tensor.offset, to - from, pointer + (from - slice.start) * 4, seed);
  }
}

function draw(
  arithmetic: Arithmetic,
  tensor: PlacedTensor,
  offset: number,
  numbers: number,
  pointer: number,
  seed: number,
): void {
  const key = randomKey(seed, "initial", tensor.name);
  const rule = tensor.initialiser;
  if (rule.kind === "constant") arithmetic.fill(pointer, rule.value, numbers);
  else if (rule.kind === "uniform")
    arithmetic.fillUniform(pointer, numbers, key, offset, rule.low, rule.high);
  else arithmetic.fillNormal(pointer, numbers, key, offset, rule.mean, rule.standardDeviation);
}
