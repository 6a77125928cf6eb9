import { type Arithmetic, type Key, loadArithmetic, randomKey } from "@latentweave/arithmetic";

/** Draws of one layer in one application: the same numbers for the same key on every machine. Arrays are the caller's. */
export interface KeyedRandom {
  /** `scale` (1 / keep where it is left out) with probability `keep`, else 0. */
  mask(numbers: number, keep: number, draw: number, scale?: number): Float32Array;
  /** In [0, 1). */
  uniform(numbers: number, draw: number): Float32Array;
  /** Standard normal. */
  normal(numbers: number, draw: number): Float32Array;
}

/** Where in a run a draw is made. */
export interface DrawPlace {
  readonly seed: number;
  readonly step: number;
  readonly round: number;
  readonly task: string;
  readonly slot: number;
}

export interface RandomSource {
  /** Draws for the layer of this name. */
  at(place: DrawPlace, layer: string): KeyedRandom;
}

export function createRandomSource(arithmetic = loadArithmetic()): RandomSource {
  return {
    at(place, layer) {
      const { seed, step, round, task, slot } = place;
      const key = (draw: number): Key => randomKey(seed, "layer", step, round, task, slot, layer, draw);
      return {
        mask: (numbers, keep, draw, scale = 1 / keep) =>
          drawn(arithmetic, numbers, (pointer) =>
            arithmetic.fillBernoulliMask(pointer, numbers, key(draw), 0, keep, scale),
          ),
        uniform: (numbers, draw) =>
          drawn(arithmetic, numbers, (pointer) =>
            arithmetic.fillUniform(pointer, numbers, key(draw), 0, 0, 1),
          ),
        normal: (numbers, draw) =>
          drawn(arithmetic, numbers, (pointer) =>
            arithmetic.fillNormal(pointer, numbers, key(draw), 0, 0, 1),
          ),
      };
    },
  };
}

function drawn(arithmetic: Arithmetic, numbers: number, fill: (pointer: number) => void): Float32Array {
  const bytes = 4 * numbers;
  const pointer = arithmetic.allocate(bytes);
  fill(pointer);
  const values = arithmetic.f32(pointer, numbers).slice();
  arithmetic.free(pointer, bytes);
  return values;
}

/** Draws as ever, and writes down what every array was drawn by, so that it can be drawn again elsewhere. */
export interface NotedDraws {
  readonly drawn: ReadonlyMap<Float32Array, string>;
  random(layer: string): KeyedRandom;
}

/** @param placeOf where a layer's draws are made */
export function noteDraws(source: RandomSource, placeOf: (layer: string) => DrawPlace): NotedDraws {
  const drawn = new Map<Float32Array, string>();
  const noted = (values: Float32Array, ...key: NotedDraw): Float32Array => {
    drawn.set(values, JSON.stringify(key));
    return values;
  };
  return {
    drawn,
    random(layer) {
      const random = source.at(placeOf(layer), layer);
      return {
        mask: (numbers, keep, draw, scale = 1 / keep) =>
          noted(random.mask(numbers, keep, draw, scale), layer, "mask", numbers, draw, keep, scale),
        uniform: (numbers, draw) => noted(random.uniform(numbers, draw), layer, "uniform", numbers, draw),
        normal: (numbers, draw) => noted(random.normal(numbers, draw), layer, "normal", numbers, draw),
      };
    },
  };
}

type NotedDraw =
  | [layer: string, kind: "uniform" | "normal", numbers: number, draw: number]
  | [layer: string, kind: "mask", numbers: number, draw: number, keep: number, scale: number];

/** What was drawn by this note, at another place of the run. */
export function drawAgain(
  source: RandomSource,
  placeOf: (layer: string) => DrawPlace,
  note: string,
): Float32Array {
  const noted = JSON.parse(note) as NotedDraw;
  const random = source.at(placeOf(noted[0]), noted[0]);
  if (noted[1] === "mask") {
    const [, , numbers, draw, keep, scale] = noted;
    return random.mask(numbers, keep, draw, scale);
  }
  const [, kind, numbers, draw] = noted;
  return random[kind](numbers, draw);
}
