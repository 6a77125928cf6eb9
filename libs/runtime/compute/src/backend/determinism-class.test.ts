import { describe, expect, it } from "vitest";
import { instructionSet } from "./determinism-class.ts";

const flags = new Set(["sse4_1", "avx", "avx2", "avx512bw", "avx512_vnni"]);

describe("the instruction set in a determinism class", () => {
  it("is the widest that the CPU has", () => {
    expect(instructionSet(undefined, flags)).toBe("AVX512_CORE_VNNI");
  });

  it("is cut to the limit that a mixed fleet sets", () => {
    expect(instructionSet("AVX2", flags)).toBe("AVX2");
  });

  it("stays what the CPU has where the limit is higher", () => {
    expect(instructionSet("AVX512_CORE_AMX", flags)).toBe("AVX512_CORE_VNNI");
  });

  it("is the architecture where the system lists no flags", () => {
    expect(instructionSet(undefined, null)).toBe(process.arch);
  });
});
