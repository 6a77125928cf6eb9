/** How vectors of float32 are written with fewer bytes. Bit by bit: docs/arithmetic.md, "Codecs". */
export const codecs = ["bf16", "fp16", "int8"] as const;
export type Codec = (typeof codecs)[number];

/** Numbers that share a scale in `int8`. Parameter blocks are multiples of it. */
export const codecBlockNumbers = 256;
const scaleBytes = 4;

/** Bytes of n encoded numbers. */
export function encodedBytes(codec: Codec, n: number): number {
  return codec === "int8" ? n + Math.ceil(n / codecBlockNumbers) * scaleBytes : 2 * n;
}

/** As the kernels take it: the order of `codecs`. */
export function codecNumber(codec: Codec): number {
  return codecs.indexOf(codec);
}
