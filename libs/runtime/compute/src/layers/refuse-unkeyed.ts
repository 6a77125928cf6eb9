import type { Tf } from "./tensorflow.ts";

/**
 * A job's own layers must give the same numbers on every machine and every repetition, so while they run every source
 * of chance or time raises an error that names it. This catches mistakes; it is no sandbox.
 */
export class UnkeyedRandomError extends Error {
  override readonly name = "UnkeyedRandomError";
  readonly source: string;

  constructor(source: string) {
    super(
      `a layer of the job calls ${source}, which differs from run to run and machine to machine; ` +
        "draw with context.random(shape, draw) instead",
    );
    this.source = source;
  }
}

function refused(source: string): () => never {
  return () => {
    throw new UnkeyedRandomError(source);
  };
}

/** Position of the seed among the arguments of the draws that can be repeated; the others are always refused. */
const seedPosition: Readonly<Record<string, number | undefined>> = {
  dropout: 3,
  randomUniform: 4,
  randomUniformInt: 3,
  multinomial: 2,
  // Their draws go through Math.log and the like, which differ between versions of Node, seed or no seed.
  randomNormal: undefined,
  randomStandardNormal: undefined,
  randomGamma: undefined,
  truncatedNormal: undefined,
  // Takes a function that draws.
  rand: undefined,
};

const namespaces = new WeakMap<Tf, Tf>();

/** The namespace with its draws refused unless a seed is given. */
export function guardedNamespace(tf: Tf): Tf {
  const known = namespaces.get(tf);
  if (known) return known;
  const guarded: Record<string, unknown> = { ...tf };
  for (const [name, position] of Object.entries(seedPosition)) {
    if (typeof guarded[name] !== "function") continue;
    const original = guarded[name] as (...parameters: unknown[]) => unknown;
    guarded[name] = (...parameters: unknown[]): unknown => {
      if (position === undefined) throw new UnkeyedRandomError(`tf.${name}`);
      // Zero counts as no seed: TensorFlow.js takes Math.random instead.
      if (!parameters[position]) throw new UnkeyedRandomError(`tf.${name} without a seed`);
      return original(...parameters);
    };
  }
  const result = guarded as unknown as Tf;
  namespaces.set(tf, result);
  return result;
}

/** Runs `work` while Math.random, the clocks and the system's randomness raise errors. Synchronous only. */
export function refusingUnkeyed<T>(work: () => T): T {
  const places: readonly (readonly [object, string, unknown])[] = [
    [Math, "random", refused("Math.random")],
    [Date, "now", refused("Date.now")],
    [globalThis, "Date", guardedDate()],
    [performance, "now", refused("performance.now")],
    [crypto, "getRandomValues", refused("crypto.getRandomValues")],
    [crypto, "randomUUID", refused("crypto.randomUUID")],
  ];
  const restore = places.map(([object, name, replacement]) => {
    const own = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { value: replacement, configurable: true, writable: true });
    return () => {
      if (own) Object.defineProperty(object, name, own);
      else Reflect.deleteProperty(object, name);
    };
  });
  try {
    return work();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}

/** `Date` that can be made from given numbers, but not from the clock. */
function guardedDate(): DateConstructor {
  return new Proxy(Date, {
    construct(target, parameters: unknown[]) {
      if (parameters.length === 0) throw new UnkeyedRandomError("new Date()");
      return Reflect.construct(target, parameters) as Date;
    },
    apply: refused("Date()"),
  });
}
