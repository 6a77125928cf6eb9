import { type Arithmetic, arithmeticPageBytes, loadArithmetic } from "@latentweave/arithmetic";
import { createOwnedState, type OwnedState } from "@latentweave/parameter-server-engine";
import { createLayout, ownership } from "@latentweave/parameters";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryVaults, type MemoryVaults } from "./memory-vault.ts";
import { smallSpec } from "./small-job.ts";

const spec = smallSpec({ steps: 3, evaluation: null });
const layout = createLayout(spec.groups);
const owned = ownership(layout, 2)[0] ?? [];
const stateNames = ["m", "v"];
const sections = ["parameters", ...stateNames];
const name = "shard-0";

interface Options {
  readonly arithmetic?: Arithmetic;
  readonly identity?: string;
  readonly textBytes?: number;
}

function stateIn(vaults: MemoryVaults, options: Options = {}): OwnedState {
  const { arithmetic = loadArithmetic(), identity = "run 1", textBytes } = options;
  const vault = vaults.open({ name, identity, arithmetic });
  return createOwnedState(arithmetic, layout, owned, stateNames, spec.seed, vault, textBytes);
}

/** Every number of a version gets one value, as an update would: beside the version before, then the word. */
function update(arithmetic: Arithmetic, state: OwnedState): void {
  for (const slice of state.slices)
    for (const section of sections)
      arithmetic.fill(state.pointer(slice, section, 1), state.version + 1, slice.numbers);
  state.advance();
}

const numbersOf = (state: OwnedState): number[] =>
  state.slices.flatMap((slice) =>
    sections.flatMap((section) => [...new Float32Array(state.copy(slice, section).buffer)]),
  );

/** Version 0 as the keyed generator makes it. */
const initial = numbersOf(createOwnedState(loadArithmetic(), layout, owned, stateNames, spec.seed));

const contentsOf = (version: number): number[] => (version === 0 ? initial : initial.map(() => version));

/** Everything that touches memory goes through `arithmetic`; `onUse` is called before each time. */
function observed(onUse: () => void): Arithmetic {
  const inner = loadArithmetic();
  return new Proxy(inner, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        onUse();
        return (value as (...args: unknown[]) => unknown)(...args);
      };
    },
  });
}

describe("a shard's state without a vault", () => {
  it("is version 0 of the keyed generator, whatever the number of shards", () => {
    const whole = createOwnedState(loadArithmetic(), layout, ownership(layout, 1)[0] ?? [], [], spec.seed);
    for (const slice of owned) {
      const around = whole.slices.find((entry) => entry.group === slice.group);
      if (!around) throw new Error("the only shard owns everything");
      const part = createOwnedState(loadArithmetic(), layout, [slice], [], spec.seed);
      const from = (slice.start - around.start) * 4;
      expect(part.copy(part.slices[0]!, "parameters")).toEqual(
        whole.copy(around, "parameters").slice(from, from + slice.numbers * 4),
      );
    }
    expect(whole).toMatchObject({ version: 0, timeline: 0, kept: false, outlives: false });
    expect(whole.readDecision()).toBeUndefined();
  });

  it("keeps decisions for the process itself", () => {
    const state = createOwnedState(loadArithmetic(), layout, owned, stateNames, spec.seed);
    state.writeDecision(4, () => "four");
    expect(state.readDecision()).toEqual({ step: 4, text: "four" });
  });
});

describe("a shard's state in a vault", () => {
  it("is found by a successor with version, timeline and decision", () => {
    const vaults = createMemoryVaults();
    const arithmetic = loadArithmetic();
    const state = stateIn(vaults, { arithmetic });
    expect(state).toMatchObject({ kept: false, outlives: true });
    state.setVersion(0);
    state.setTimeline(3);
    for (let step = 0; step < 5; step++) {
      state.writeDecision(step, () => JSON.stringify({ step, unicode: "λ·Ω" }));
      update(arithmetic, state);
      arithmetic.allocate(1_000_000);
    }
    vaults.kill(name);
    const next = stateIn(vaults);
    expect(next).toMatchObject({ kept: true, outlives: true, version: 5, timeline: 3 });
    expect(next.readDecision()).toEqual({ step: 4, text: JSON.stringify({ step: 4, unicode: "λ·Ω" }) });
    expect(numbersOf(next)).toEqual(contentsOf(5));
    next.setVersion(next.version);
    expect(numbersOf(next)).toEqual(contentsOf(5));
  });

  it("is a whole version, with the decision before or after, wherever the kill falls", () => {
    const steps = 4;
    /** What a shard does; the last step was decided and updated, or it was not. */
    const live = (vaults: MemoryVaults, onUse: () => void): void => {
      const arithmetic = observed(onUse);
      const state = stateIn(vaults, { arithmetic });
      state.setVersion(0);
      for (let step = 0; step < steps; step++) {
        state.writeDecision(step, () => `decision on ${step}`);
        update(arithmetic, state);
      }
    };
    let uses = 0;
    live(createMemoryVaults(), () => (uses += 1));
    expect(uses).toBeGreaterThan(100);
    const seen = new Set<string>();
    for (let at = 1; at <= uses; at++) {
      const vaults = createMemoryVaults();
      let use = 0;
      live(vaults, () => {
        if (++use === at) vaults.kill(name);
      });
      const next = stateIn(vaults);
      const decided = next.readDecision();
      seen.add(`${next.kept} ${next.version} ${decided?.step}`);
      expect(numbersOf(next)).toEqual(contentsOf(next.version));
      if (!next.kept) {
        expect(decided).toBeUndefined();
        continue;
      }
      // The decision on n is there before version n+1, and none is ever skipped.
      expect([next.version - 1, next.version]).toContain(decided?.step ?? -1);
      if (decided) expect(decided.text).toBe(`decision on ${decided.step}`);
    }
    const moments = ["false 0 undefined", "true 0 undefined"];
    for (let step = 0; step < steps; step++) {
      moments.push(`true ${step} ${step}`, `true ${step + 1} ${step}`);
    }
    expect([...seen].sort()).toEqual(moments.sort());
  });

  it("is nothing while a restore overwrites it, and whole again with the version that follows", () => {
    for (const kill of ["before", "within", "after"] as const) {
      const vaults = createMemoryVaults();
      const arithmetic = loadArithmetic();
      const state = stateIn(vaults, { arithmetic });
      state.setVersion(0);
      for (let step = 0; step < 3; step++) update(arithmetic, state);
      if (kill === "before") vaults.kill(name);
      for (const section of sections) {
        for (const slice of state.slices) {
          const bytes = new Uint8Array(new Float32Array(slice.numbers).fill(2).buffer);
          state.restore(section, slice, bytes);
        }
        if (kill === "within") vaults.kill(name);
      }
      state.setVersion(2);
      vaults.kill(name);
      const next = stateIn(vaults);
      expect(next).toMatchObject(
        {
          before: { kept: true, version: 3 },
          within: { kept: false, version: 0 },
          after: { kept: true, version: 2 },
        }[kill],
      );
      expect(numbersOf(next)).toEqual(contentsOf(next.version));
    }
  });

  it("is not another run's, another layout's, or one with other room for decisions", () => {
    const vaults = createMemoryVaults();
    const arithmetic = loadArithmetic();
    const state = stateIn(vaults, { arithmetic });
    state.setVersion(0);
    update(arithmetic, state);
    vaults.kill(name);
    const other = stateIn(vaults, { identity: "run 2" });
    expect(other.kept).toBe(false);
    expect(numbersOf(other)).toEqual(initial);
    other.setVersion(0);
    vaults.kill(name);
    const roomier = stateIn(vaults, { identity: "run 2", textBytes: 10 * arithmeticPageBytes });
    expect(roomier.kept).toBe(false);
    expect(numbersOf(roomier)).toEqual(initial);
  });

  it("belongs to one living process", () => {
    const vaults = createMemoryVaults();
    expect(stateIn(vaults).outlives).toBe(true);
    expect(stateIn(vaults)).toMatchObject({ outlives: false, kept: false, version: 0 });
  });

  it("is gone when the host is lost, or the run has ended", () => {
    const vaults = createMemoryVaults();
    stateIn(vaults).setVersion(0);
    vaults.loseHost();
    expect(vaults.names).toEqual([]);
    const arithmetic = loadArithmetic();
    const vault = vaults.open({ name, identity: "run 1", arithmetic });
    const state = createOwnedState(arithmetic, layout, owned, stateNames, spec.seed, vault);
    expect(state.kept).toBe(false);
    vault.discard();
    expect(vaults.names).toEqual([]);
    state.setVersion(0);
    expect(numbersOf(state)).toEqual(initial);
  });
});

describe("a decision", () => {
  it("comes back as it was written, and a longer one than there is room for is refused and changes nothing", () => {
    const state = createOwnedState(loadArithmetic(), layout, owned, [], 1, undefined, 1);
    fc.assert(
      fc.property(fc.nat(), fc.string({ unit: "grapheme", maxLength: 300 }), (step, text) => {
        state.writeDecision(step, () => text);
        expect(state.readDecision()).toEqual({ step, text });
        expect(() => state.writeDecision(step + 1, () => "x".repeat(arithmeticPageBytes + 1))).toThrow(
          "65537 bytes does not fit the 65536",
        );
        expect(state.readDecision()?.step).toBe(step);
      }),
    );
  });

  it("whose bytes were damaged is not taken for one", () => {
    const arithmetic = loadArithmetic();
    const state = createOwnedState(arithmetic, layout, owned, [], 1);
    const text = "a decision that is easily found";
    state.writeDecision(1, () => text);
    const memory = Buffer.from(arithmetic.u8(0, arithmetic.memoryBytes).buffer);
    const at = memory.indexOf(text);
    memory[at + 3] = (memory[at + 3] ?? 0) ^ 1;
    expect(state.readDecision()).toBeUndefined();
  });
});

describe("a square tensor with a value on its diagonal at first", () => {
  it("begins so, whichever part of it a shard has", () => {
    const size = 150;
    const tensor = {
      name: "omega",
      shape: [size, size],
      initialiser: { kind: "diagonal", value: 0.5 },
    } as const;
    const square = createLayout([{ name: "omega", tasks: [], tensors: [tensor] }]);
    const numbers = [1, 2].map((shards) =>
      ownership(square, shards).flatMap((slices) => {
        const state = createOwnedState(loadArithmetic(), square, slices, [], 1);
        return state.slices.flatMap((slice) => [...new Float32Array(state.copy(slice, "parameters").buffer)]);
      }),
    );
    const wanted = Array.from({ length: size * size }, (_, place) => (place % (size + 1) === 0 ? 0.5 : 0));
    for (const found of numbers) expect(found.slice(0, wanted.length)).toEqual(wanted);
  });
});
