import { open, rename, rm } from "node:fs/promises";
import type { ParameterLayout } from "@latentweave/parameters";
import { diskError } from "./disk-error.ts";
import { hashOfFile } from "./parameter-hash.ts";
import { encodeHeader } from "./safetensors-header.ts";
import { openSafetensors } from "./safetensors-file.ts";

/**
 * Writes parameters as a safetensors file, as a checkpoint holds them; it is whole or not there.
 * @param groups numbers of each group in layout order, padding included
 * @returns the hash, computed from the file
 * @throws UserError when it cannot be written
 */
export async function writeParameters(
  file: string,
  layout: ParameterLayout,
  groups: readonly Float32Array[],
  metadata: Readonly<Record<string, string>>,
): Promise<string> {
  const part = `${file}.part`;
  const tensors = layout.groups.flatMap(({ tensors: placed }, group) =>
    placed.map((tensor) => ({ ...tensor, values: groups[group] as Float32Array })),
  );
  try {
    const { bytes, header } = encodeHeader(tensors, metadata);
    const handle = await open(part, "w");
    try {
      await handle.write(bytes, 0, bytes.byteLength, 0);
      for (const stored of header.tensors) {
        const { values, offset, numbers } = tensors.find(
          ({ name }) => name === stored.name,
        ) as (typeof tensors)[number];
        const own = new Uint8Array(values.buffer, values.byteOffset + offset * 4, numbers * 4);
        await handle.write(own, 0, own.byteLength, stored.position);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw diskError(error, file);
  }
  const written = await openSafetensors(file);
  return await hashOfFile(written).finally(() => written.close());
}
