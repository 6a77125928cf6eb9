import { createHash } from "node:crypto";
import { type SafetensorsFile } from "./safetensors-file.ts";
import { compareNames } from "./safetensors-header.ts";

/**
 * The hash of a run's parameters, defined so that anyone can recompute it: for each tensor, in byte order of its UTF-8
 * name: name, `\0`, dtype as safetensors spells it, `\0`, shape as decimal numbers joined by commas, `\0`, raw
 * little-endian bytes; SHA-256 over all of that, in hexadecimal. Bounded memory.
 */
export async function hashOfFile(file: SafetensorsFile): Promise<string> {
  const hash = createHash("sha256");
  const tensors = [...file.header.tensors].sort((a, b) => compareNames(a.name, b.name));
  for (const tensor of tensors) {
    hash.update(`${tensor.name}\0${tensor.dtype}\0${tensor.shape.join(",")}\0`, "utf8");
    await file.visit(tensor, (chunk) => hash.update(chunk));
  }
  return hash.digest("hex");
}
