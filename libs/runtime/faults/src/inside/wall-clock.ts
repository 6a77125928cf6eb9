/**
 * From now on this process' wall clock (`Date`) is off by so much, as after a correction by hand; the clock that
 * measures durations goes on. Other processes keep theirs.
 */
export function jumpWallClock(byMs: number): void {
  const Before = globalThis.Date;
  const now = (): number => Before.now() + byMs;
  globalThis.Date = new Proxy(Before, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new Before(now()).toString(),
    get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
  });
}
