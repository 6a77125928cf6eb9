/** Makes a process slow without its knowing: stopped for most of each period, as on a machine that others use. */
const periodMs = 100;

/** @param share of the time in which it may run @returns ends it */
export function throttle(pid: number, share: number): () => void {
  let timer: NodeJS.Timeout;
  const send = (signal: NodeJS.Signals): boolean => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false; // it has ended
    }
  };
  const hold = (): void => {
    if (send("SIGSTOP")) timer = setTimeout(release, periodMs * (1 - share));
  };
  const release = (): void => {
    if (send("SIGCONT")) timer = setTimeout(hold, periodMs * share);
  };
  hold();
  return () => {
    clearTimeout(timer);
    send("SIGCONT");
  };
}
