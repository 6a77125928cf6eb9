import type { AddonSource } from "./addon-source.ts";
import { bindings } from "./kernels/bindings.ts";
import { codecs } from "./kernels/codecs.ts";
import { digests } from "./kernels/digests.ts";
import { largest } from "./kernels/largest.ts";
import { optimisers } from "./kernels/optimisers.ts";
import { passes } from "./kernels/passes.ts";
import { sums } from "./kernels/sums.ts";
import { threads } from "./kernels/threads.ts";

/**
 * The kernels of libs/foundation/arithmetic/assembly once more, for the processor at hand: the same operations in the
 * same order, so the same bits (`NativeKernels` in libs/foundation/arithmetic says how that is made sure). The compiler
 * may use wider vectors, but must neither fuse a multiplication with an addition (where that rounds: see `tile_`) nor
 * reorder a sum.
 *
 * Addresses are numbers: `base` is where the WebAssembly memory begins, the others are offsets in it.
 */
const source = [sums, codecs, largest, optimisers, digests, threads, passes, bindings].join("");

/** Whether it loads and adds; its bits are compared with the module's by each process that takes it. */
const check = `
const kernels = require(process.argv[1]);
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
const numbers = new Float32Array(memory.buffer, 64, 33);
numbers.fill(1.5);
const base = kernels.address(new Uint8Array(memory.buffer));
kernels.add(base, 64, 64, 64, 33);
if (!numbers.every((number) => number === 3)) throw new Error("1.5 + 1.5 is not 3 here");
memory.grow(1000);
if (kernels.address(new Uint8Array(memory.buffer)) !== base) throw new Error("memory moves as it grows");
if (kernels.digest() !== "2d06800538d394c2") throw new Error("a digest of nothing is not XXH3's");
`;

/** Neither may change a bit: no fused multiply-add, no error numbers of the C library (which would keep `sqrtf` scalar). */
const exact = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-pthread"];

export const kernelsAddon: AddonSource = {
  ...{ name: "kernels", title: "sums and updates at this processor's speed" },
  ...{ source, check },
  // Not every compiler makes versions for several processors.
  flags: [exact, [...exact, "-DONE_PROCESSOR"]],
};
