/**
 * Modified Gram-Schmidt, twice, which leaves the columns orthogonal to rounding. A column that depends on those before
 * it becomes zero.
 * @param columns [rows, count], row-major; not changed
 */
export function orthonormalise(columns: Float64Array, rows: number, count: number): Float64Array {
  // Column-major inside: every inner product then runs through memory in order.
  const work = new Float64Array(columns.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < count; column++)
      work[column * rows + row] = columns[row * count + column] as number;
  for (let column = 0; column < count; column++) {
    const own = work.subarray(column * rows, (column + 1) * rows);
    const before = dot(own, own);
    for (let pass = 0; pass < 2; pass++)
      for (let earlier = 0; earlier < column; earlier++) {
        const other = work.subarray(earlier * rows, (earlier + 1) * rows);
        const share = dot(own, other);
        for (let row = 0; row < rows; row++) own[row] = (own[row] as number) - share * (other[row] as number);
      }
    const after = dot(own, own);
    const scale = after > before * 1e-24 ? 1 / Math.sqrt(after) : 0;
    for (let row = 0; row < rows; row++) own[row] = (own[row] as number) * scale;
  }
  const result = new Float64Array(columns.length);
  for (let column = 0; column < count; column++)
    for (let row = 0; row < rows; row++) result[row * count + column] = work[column * rows + row] as number;
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}
