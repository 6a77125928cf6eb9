/** Copying this much costs less than a write and a header of its own. */
const smallPieceBytes = 16 * 1024;
/** A joined run stays within one read of the receiver. */
const joinedBytes = 64 * 1024;

/**
 * Joins neighbouring small pieces of a frame, so that a header with twenty biases is one write; large ones go as they
 * are, without being copied. Order and bytes stay the same.
 */
export function coalesce(pieces: readonly Uint8Array[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let runBytes = 0;
  const flush = (): void => {
    const [only] = run;
    if (run.length === 1 && only !== undefined) result.push(only);
    else if (run.length > 1) result.push(Buffer.concat(run, runBytes));
    run = [];
    runBytes = 0;
  };
  for (const piece of pieces) {
    const small = piece.length <= smallPieceBytes;
    if (!small || runBytes + piece.length > joinedBytes) flush();
    if (small) {
      run.push(piece);
      runBytes += piece.length;
    } else {
      result.push(piece);
    }
  }
  flush();
  return result;
}
