import { moduleBase64 } from "./generated/module.ts";

/** What the compiled module exports; pointers are byte addresses that WebAssembly reads as unsigned 32-bit. */
export interface ModuleExports {
  readonly memory: LinearMemory;
  heapBase(): number;
  exp(x: number): number;
  log(x: number): number;
  pow(base: number, exponent: number): number;
  sin(x: number): number;
  cos(x: number): number;
  tanh(x: number): number;
  add(dst: number, a: number, b: number, n: number): void;
  scaleInto(dst: number, src: number, w: number, n: number): void;
  accumulate(dst: number, src: number, w: number, n: number): void;
  fill(dst: number, value: number, n: number): void;
  dot(a: number, b: number, n: number): number;
  allFinite(pointer: number, n: number): number;
  encode(codec: number, dst: number, src: number, n: number): void;
  decode(codec: number, dst: number, src: number, n: number): void;
  roundTo(codec: number, dst: number, src: number, n: number): void;
  takeLargest(dst: number, src: number, n: number, kept: number): void;
  addLargest(dst: number, src: number, n: number, kept: number): void;
  sgd(...args: KernelArguments): void;
  momentum(...args: KernelArguments): void;
  adam(...args: KernelArguments): void;
  fillUniform(...args: KernelArguments): void;
  fillNormal(...args: KernelArguments): void;
  fillBernoulliMask(...args: KernelArguments): void;
  digestStart(): void;
  digestFeed(pointer: number, bytes: number): void;
  /** Signed 64 bits, as WebAssembly hands them over. */
  digestEnd(): bigint;
  digestWindow(): number;
  digestState(): number;
  digestStateBytes(): number;
  digestResume(): void;
}

/** In the order of the kernel's parameters in assembly/. */
type KernelArguments = readonly number[];

export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

// Declared here rather than taken from TypeScript's DOM library, which Node code must not see.
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const host = (globalThis as unknown as { readonly WebAssembly: WebAssemblyHost }).WebAssembly;

let compiled: object | undefined;

/** A fresh instance with a memory of its own. The module is compiled once per thread; it takes no imports. */
export function instantiate(): ModuleExports {
  compiled ??= new host.Module(moduleBytes());
  return new host.Instance(compiled, {}).exports as ModuleExports;
}

/** The committed binary. */
export function moduleBytes(): Uint8Array {
  return Uint8Array.from(atob(moduleBase64), (character) => character.charCodeAt(0));
}
