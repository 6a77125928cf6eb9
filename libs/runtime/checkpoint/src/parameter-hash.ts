import { createHash, type Hash } from "node:crypto";
import { type SafetensorsFile } from "./safetensors-file.ts";
import { compareNames, type StoredTensor } from "./safetensors-header.ts";

/**
 * The hash of a run's parameters, defined so that anyone can recompute it: for each tensor, in byte order of its UTF-8
 * name: name, `\0`, dtype as safetensors spells it, `\0`, shape as decimal numbers joined by commas, `\0`, raw
 * little-endian bytes; SHA-256 over all of that, in hexadecimal. Bounded memory.
 */
export async function hashOfFile(file: SafetensorsFile): Promise<string> {
  const hash = createHash("sha256");
  const tensors = [...file.header.tensors].sort((a, b) => compareNames(a.name, b.name));
  for (const tensor of tensors) {
    feedTensorHead(hash, tensor);
    await file.visit(tensor, (chunk) => hash.update(chunk));
  }
  return hash.digest("hex");
}

/** What comes before a tensor's own bytes. */
export function feedTensorHead(
  hash: Hash,
  { name, dtype, shape }: Pick<StoredTensor, "name" | "dtype" | "shape">,
): void {
  hash.update(`${name}\0${dtype}\0${shape.join(",")}\0`, "utf8");
}
