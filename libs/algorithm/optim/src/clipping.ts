/**
 * The factor that brings a gradient's global norm down to `maxNorm`: min(1, maxNorm / norm) (Pascanu, Mikolov, Bengio,
 * ICML 2013); exactly 1 where nothing is to be clipped, so that clipping that does not bite changes no bit.
 *
 * @param globalNormSquared Σ over blocks, in block order, of `sumSquares`, in float64
 * @param maxNorm undefined: no clipping
 * Throws RangeError for a norm that is not finite: such a step must not be committed, let alone scaled to zero.
 */
export function clipScale(globalNormSquared: number, maxNorm: number | undefined): number {
  if (!Number.isFinite(globalNormSquared) || globalNormSquared < 0) {
    throw new RangeError(`a gradient of squared norm ${globalNormSquared} cannot be clipped`);
  }
  if (maxNorm === undefined) return 1;
  const norm = Math.sqrt(globalNormSquared);
  return norm <= maxNorm ? 1 : maxNorm / norm;
}
