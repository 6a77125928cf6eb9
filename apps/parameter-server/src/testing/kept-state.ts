import { loadArithmetic } from "@latentweave/arithmetic";
import { createOwnedState, type OwnedState } from "@latentweave/parameter-server-engine";
import { createLayout, ownership } from "@latentweave/parameters";
import { openShardVault } from "@latentweave/vault";

/**
 * A shard's state in a real vault, in a process of its own: says what it found, then goes from version to version
 * until it is killed. One argument: the run's folder, `then` one of "work" and "look".
 */
const [runKey = "", then = "look"] = process.argv.slice(2);
const layout = createLayout([
  {
    name: "wide",
    tasks: ["digits"],
    tensors: [{ name: "wide/kernel", shape: [300, 1_000], initialiser: { kind: "constant", value: 0 } }],
  },
]);
const arithmetic = loadArithmetic();
const vault = openShardVault({
  ...{ runId: "kept-state-test", runKey, index: 0, shards: 1, spec: "{}" },
  log: (line) => process.stderr.write(`${line}\n`),
});
const state = createOwnedState(arithmetic, layout, ownership(layout, 1)[0] ?? [], ["m", "v"], 1, vault);

/** The values that occur in the newest version: one alone when it is whole. */
function values(from: OwnedState): number[] {
  const found = new Set<number>();
  for (const slice of from.slices)
    for (const section of ["parameters", ...from.stateNames])
      for (const value of new Float32Array(from.copy(slice, section).buffer)) found.add(value);
  return [...found];
}

const { kept, version } = state;
process.stdout.write(
  `${JSON.stringify({ kept, version, values: values(state), decision: state.readDecision() })}\n`,
);
if (then === "work") {
  state.setVersion(state.version);
  const work = (): void => {
    for (let step = 0; step < 20; step++) {
      state.writeDecision(state.version, () => JSON.stringify({ step: state.version, weights: [1, 2, 3] }));
      for (const slice of state.slices)
        for (const section of ["parameters", ...state.stateNames])
          arithmetic.fill(state.pointer(slice, section, 1), (state.version + 1) % 10_000, slice.numbers);
      state.advance();
    }
    process.stdout.write(`at ${state.version}\n`);
    setImmediate(work);
  };
  work();
} else vault.discard();
