import { UserError } from "@latentweave/protocol";

/** @throws UserError naming row and column of the first NaN or infinity, counted from 0 as NumPy does */
export function requireFinite(data: Float32Array, width: number, where: string): void {
  // A sum is finite unless some number is not, or it overflows; only then is it worth looking for which.
  let sum = 0;
  for (let index = 0; index < data.length; index++) sum += data[index] as number;
  if (Number.isFinite(sum)) return;
  const index = data.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new UserError({
    what: `holds ${data[index]}`,
    where: `${where}, row ${Math.floor(index / width)}, column ${index % width} (counted from 0)`,
    expected: "finite numbers",
    mend: "remove or fill in such rows, for example with numpy.nan_to_num",
  });
}
