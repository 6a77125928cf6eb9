/** Long enough that the process gets its share in useful pieces, short enough that it looks slow rather than stopped. */
const periodMs = 100;

/**
 * Makes processes slow without their knowing: stopped for most of each period, as on a machine that others use.
 * @param share of the time in which they may run
 * @returns ends it
 */
export function throttle(pids: readonly number[], share: number): () => void {
  let timer: NodeJS.Timeout;
  const hold = (): void => {
    for (const pid of pids) signalQuietly(pid, "SIGSTOP");
    timer = setTimeout(release, periodMs * (1 - share));
  };
  const release = (): void => {
    for (const pid of pids) signalQuietly(pid, "SIGCONT");
    timer = setTimeout(hold, periodMs * share);
  };
  hold();
  return () => {
    clearTimeout(timer);
    for (const pid of pids) signalQuietly(pid, "SIGCONT");
  };
}

/** To a process that may have ended meanwhile. @returns whether it was there */
export function signalQuietly(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
