import { describe, expect, test } from "vitest";
import { instantiate, moduleBytes } from "./instance.ts";

interface ImportLister {
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): readonly unknown[] };
}

describe("the committed WebAssembly module", () => {
  test("is what its source compiles to, byte for byte (else run npm run build:wasm)", async () => {
    const script = new URL("../scripts/compile-module.mjs", import.meta.url).href;
    const { compileModule } = (await import(/* @vite-ignore */ script)) as {
      compileModule(): Promise<Uint8Array>;
    };
    expect(Buffer.from(await compileModule()).equals(moduleBytes())).toBe(true);
  });

  test("imports nothing from its host, so no number can come from there", () => {
    const { Module } = (globalThis as unknown as { WebAssembly: ImportLister }).WebAssembly;
    expect(Module.imports(new Module(moduleBytes()))).toEqual([]);
  });

  test("may grow its memory to 4 GiB and no further", () => {
    const { memory } = instantiate();
    const held = memory.buffer.byteLength / 65_536;
    expect(() => memory.grow(65_537 - held)).toThrow(RangeError);
  });
});
