import { readFileSync } from "node:fs";

/** The bytes of each tensor of a safetensors file, by name. */
export function tensorsOf(file: string): ReadonlyMap<string, Buffer> {
  const bytes = readFileSync(file);
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, begin).toString()) as Record<
    string,
    { readonly data_offsets: readonly [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            data_offsets: [from, to],
          },
        ]) => [name, bytes.subarray(begin + from, begin + to)],
      ),
  );
}
