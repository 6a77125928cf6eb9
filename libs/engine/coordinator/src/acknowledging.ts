/** Tells the leader which commits are recorded: of those whose records were written together, the last one. */
export interface Acknowledging {
  recorded(timeline: number, step: number): void;
}

export function createAcknowledging(tell: (timeline: number, step: number) => void): Acknowledging {
  let newest: { readonly timeline: number; readonly step: number } | undefined;
  const tellNewest = (): void => {
    const told = newest;
    newest = undefined;
    if (told) tell(told.timeline, told.step);
  };
  return {
    recorded(timeline, step) {
      // Whoever waits for the same write is told in the same turn.
      if (!newest) queueMicrotask(tellNewest);
      newest = { timeline, step };
    },
  };
}
