import { type Arithmetic, arithmeticPageBytes, randomKey } from "@latentweave/arithmetic";
import type { ParameterGroup, ParameterLayout, PlacedTensor, Slice } from "@latentweave/parameters";
import type { Vault } from "@latentweave/protocol";
import { type BlockDigests, createBlockDigests } from "./block-digests.ts";
import { headerPages, openStateHeader, type StoredDecision, writingAt } from "./state-header.ts";

/** One owned slice in WebAssembly memory: two versions side by side, so that n stays readable while n+1 is written. */
export interface OwnedSlice extends Slice {
  /** Pointers by parity of the version. */
  readonly parameters: readonly [number, number];
  readonly states: ReadonlyMap<string, readonly [number, number]>;
}

/**
 * The parameters and optimiser state of one shard: one range of memory, which a vault can keep for a successor.
 *
 * Invariants:
 * 1. `version` names the newest complete version; its numbers are at parity `version & 1`.
 * 2. An update reads parity `version & 1` and writes the other; `advance` then makes the other the newest.
 * 3. What an update does not touch is copied, so that both parities are whole.
 * 4. The header in memory (state-header.ts) names a version only while its numbers are whole: from `setVersion` or
 *    `advance` on, until `restore` begins to overwrite them.
 */
export interface OwnedState {
  readonly slices: readonly OwnedSlice[];
  readonly stateNames: readonly string[];
  /** Of the newest version, as far as its update made them. */
  readonly digests: BlockDigests<OwnedSlice>;
  readonly version: number;
  /** A predecessor's whole state was found in the vault, and is there still: `version`, `timeline` and the decision are its. */
  readonly kept: boolean;
  /** Whether a successor will find this state after a kill. */
  readonly outlives: boolean;
  /** Of the state; 0 at first. */
  readonly timeline: number;
  /** Pointer of the newest (`ahead` 0) or the coming (1) version of a section. */
  pointer(slice: OwnedSlice, section: string, ahead: 0 | 1): number;
  /** A copy of the newest numbers of a section: safe to send. */
  copy(slice: OwnedSlice, section: string): Uint8Array;
  /** The same into the beginning of other memory, which has room for it. */
  copyTo(slice: OwnedSlice, section: string, target: Uint8Array): void;
  /**
   * Overwrites newest numbers, for a restore. From here to the next `setVersion` a successor would find nothing.
   * @throws RangeError when the range is not within an owned slice.
   */
  restore(section: string, range: Slice, bytes: Uint8Array): void;
  setVersion(version: number): void;
  /** The coming version is about to be written over the one before the newest. */
  beginAdvance(): void;
  advance(): void;
  /** Where the newest two versions of the parameters lie, from the vault's range on; undefined where none is kept. */
  readonly place: StatePlace | undefined;
  /** From here to the next `setVersion` or `reinitialise` a successor would find nothing. */
  invalidate(): void;
  /** Version 0 with fresh parameters, whatever was there. */
  reinitialise(): void;
  setTimeline(timeline: number): void;
  /**
   * Keeps what the leader decided on a step, in place of the decision before: `encode` makes a text of at most that many
   * bytes of UTF-8. After a kill at any instant there is either this one or the one before.
   * @throws RangeError when the text is longer
   */
  writeDecision(step: number, encode: (maxBytes: number) => string): void;
  /** Undefined when none was written. */
  readDecision(): StoredDecision | undefined;
}

/** For processes of the same host, which can map it. */
export interface StatePlace {
  readonly file: string;
  readonly writingAt: number;
  /** `at`: of even and odd versions, from the file's beginning. */
  readonly slices: readonly (Slice & { readonly at: readonly [number, number] })[];
}

/** Room for a decision, in bytes of UTF-8: at least this, and so much for each task (weights, the combiner's state). */
const leastTextBytes = 256 * 1024;
const textBytesPerTask = 4 * 1024;
const alignment = 64;
/** Of parameters, which other processes map: a page of every machine that we know but those with pages of 64 KiB. */
const mappedAlignment = 16_384;

const parametersSection = "parameters";

/**
 * The state that the vault kept, or a fresh one of version 0: parameters from the keyed generator, optimiser states
 * zero.
 */
export function createOwnedState(
  arithmetic: Arithmetic,
  layout: ParameterLayout,
  owned: readonly Slice[],
  stateNames: readonly string[],
  seed: number,
  vault?: Vault,
  textBytes = Math.max(leastTextBytes, textBytesPerTask * tasksOf(layout)),
): OwnedState {
  const vectorBytes = (numbers: number, to = alignment): number => Math.ceil((numbers * 4) / to) * to;
  const numbersBytes = owned.reduce(
    (sum, { numbers }) =>
      sum + 2 * vectorBytes(numbers, mappedAlignment) + 2 * stateNames.length * vectorBytes(numbers),
    0,
  );
  const before = headerPages(textBytes);
  const pages = before + Math.ceil(numbersBytes / arithmeticPageBytes);
  const base = arithmetic.allocatePages(pages);
  const adoption = vault?.adopt(arithmetic.u8(base, pages * arithmeticPageBytes)) ?? "none";
  const header = openStateHeader(arithmetic, base, textBytes, numbersBytes);

  let next = base + before * arithmeticPageBytes;
  const vector = (numbers: number, to?: number): number => {
    const pointer = next;
    next += vectorBytes(numbers, to);
    if (!header.found) arithmetic.fill(pointer, 0, numbers);
    return pointer;
  };
  const pair = (numbers: number, to?: number): readonly [number, number] => [
    vector(numbers, to),
    vector(numbers, to),
  ];
  // First, so that they begin with whole pages.
  const parameters = owned.map(({ numbers }) => pair(numbers, mappedAlignment));
  const slices = owned.map((slice, index): OwnedSlice => ({
    ...slice,
    parameters: parameters[index] as readonly [number, number],
    states: new Map(stateNames.map((name) => [name, pair(slice.numbers)])),
  }));
  const place = (): StatePlace | undefined => {
    const { sharedName: file, rangeAt = 0 } = vault ?? {};
    if (file === undefined || adoption === "none") return undefined;
    const at = (pointer: number): number => rangeAt + pointer - base;
    return {
      file,
      writingAt: at(base) + writingAt,
      slices: slices.map(({ group, start, numbers, parameters: [even, odd] }) => ({
        ...{ group, start, numbers },
        at: [at(even), at(odd)],
      })),
    };
  };
  let version = header.found ? header.version : 0;
  let kept = header.found;
  const digests = createBlockDigests<OwnedSlice>(arithmetic);
  const invalidate = (): void => {
    digests.forget();
    kept = false;
    header.version = -1;
  };
  const fillFresh = (): void => {
    version = 0;
    for (const slice of slices)
      initialise(arithmetic, layout.groups[slice.group] as ParameterGroup, slice, slice.parameters[0], seed);
  };
  if (!header.found) fillFresh();
  const pointer = (slice: OwnedSlice, section: string, ahead: 0 | 1): number => {
    const pointers = section === parametersSection ? slice.parameters : slice.states.get(section);
    if (!pointers) throw new RangeError(`there is no section "${section}"`);
    return pointers[((version + ahead) & 1) as 0 | 1];
  };
  return {
    slices,
    stateNames,
    digests,
    get version() {
      return version;
    },
    get kept() {
      return kept;
    },
    outlives: adoption !== "none",
    get timeline() {
      return header.timeline;
    },
    pointer,
    copy(slice, section) {
      return arithmetic.u8(pointer(slice, section, 0), slice.numbers * 4).slice();
    },
    copyTo: (slice, section, target) =>
      target.set(arithmetic.u8(pointer(slice, section, 0), slice.numbers * 4)),
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
      invalidate();
      arithmetic
        .u8(pointer(slice, section, 0) + (range.start - slice.start) * 4, bytes.byteLength)
        .set(bytes);
    },
    setVersion(next) {
      digests.forget();
      if (((next - version) & 1) === 1) {
        for (const slice of slices) {
          for (const pointers of [slice.parameters, ...slice.states.values()]) {
            const [from, to] = (version & 1) === 0 ? pointers : [pointers[1], pointers[0]];
            arithmetic.u8(to, slice.numbers * 4).set(arithmetic.u8(from, slice.numbers * 4));
          }
        }
      }
      version = next;
      header.version = version;
    },
    beginAdvance: () => header.writes(version + 1),
    get place() {
      return place();
    },
    advance() {
      version += 1;
      header.version = version;
    },
    setTimeline(timeline) {
      header.timeline = timeline;
    },
    invalidate,
    reinitialise() {
      invalidate();
      for (const slice of slices)
        for (const [first] of slice.states.values()) arithmetic.fill(first, 0, slice.numbers);
      fillFresh();
      header.version = version;
    },
    writeDecision: (step, encode) => header.writeDecision(step, encode(header.textBytes)),
    readDecision: header.readDecision,
  };
}

const tasksOf = (layout: ParameterLayout): number =>
  new Set(layout.groups.flatMap(({ tasks }) => tasks)).size;

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
  const rule = tensor.initialiser;
  const name = rule.kind === "uniform" && rule.as !== undefined ? rule.as : (tensor.drawnAs ?? tensor.name);
  const key = randomKey(seed, "initial", name);
  if (rule.kind === "constant") arithmetic.fill(pointer, rule.value, numbers);
  else if (rule.kind === "diagonal") {
    arithmetic.fill(pointer, 0, numbers);
    const period = (tensor.shape.at(-1) ?? 1) + 1;
    const values = arithmetic.f32(pointer, numbers);
    for (let at = (period - (offset % period)) % period; at < numbers; at += period) values[at] = rule.value;
  } else if (rule.kind === "uniform")
    arithmetic.fillUniform(pointer, numbers, key, offset, rule.low, rule.high);
  else arithmetic.fillNormal(pointer, numbers, key, offset, rule.mean, rule.standardDeviation);
}
