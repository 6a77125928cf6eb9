import { type FeedbackCodec, feedbackBytes } from "@latentweave/arithmetic";

/**
 * Which codec somebody sends with, chosen by what he measures of his links (`compression: auto`, docs/compression.md):
 *
 * 1. The rate of a link is the median of its last three sends of 4 MiB or more; what is smaller fits into socket buffers
 *    and tells nothing. The slowest link counts. Until there is one, everything is sent whole.
 * 2. The choice is the first of the ladder (whole, int8, topk) that at this rate takes a quarter of the step's other time
 *    or less, and the last where none does.
 * 3. Back up the ladder it goes where that takes an eighth or less: it does not go back and forth.
 * 4. What is light is not measured any more: in every 256th step the next one up the ladder is sent, to look again, and
 *    what was measured longer ago than twice that is forgotten.
 *
 * It changes between two steps, never within one.
 */
export interface CodecChoice {
  readonly codec: FeedbackCodec;
  sent(peer: string, bytes: number, ms: number): void;
  /**
   * A step is over.
   * @param numbers that were sent in it. @param otherMs what it took besides
   * @returns why it is another from the next step on; undefined where it is not
   */
  step(numbers: number, otherMs: number): string | undefined;
}

const leastBytes = 4 * 1024 * 1024;
const rates = 3;
const share = 1 / 4;
const shareBack = 1 / 8;
const lookEverySteps = 256;

/** @param ladder from the one that leaves nothing out to the lightest */
export function createCodecChoice(ladder: readonly FeedbackCodec[]): CodecChoice {
  const links = new Map<string, { readonly rates: number[]; step: number }>();
  let at = 0;
  let steps = 0;
  let looking = false;
  const codecAt = (rung: number): FeedbackCodec => ladder[rung] as FeedbackCodec;

  /** Bytes a millisecond, of the slowest link. */
  const slowest = (): number | undefined => {
    let least: number | undefined;
    for (const [peer, link] of links) {
      if (link.step + 2 * lookEverySteps < steps) links.delete(peer);
      const median = link.rates.toSorted((a, b) => a - b)[link.rates.length >> 1] as number;
      least = Math.min(least ?? median, median);
    }
    return least;
  };

  return {
    get codec() {
      return codecAt(looking ? at - 1 : at);
    },
    sent(peer, bytes, ms) {
      if (bytes < leastBytes) return;
      let link = links.get(peer);
      if (!link) links.set(peer, (link = { rates: [], step: steps }));
      link.step = steps;
      // A send that takes no time that a clock shows is as fast as can be told.
      link.rates.unshift(bytes / Math.max(ms, 1));
      link.rates.length = Math.min(link.rates.length, rates);
    },
    step(numbers, otherMs) {
      steps += 1;
      looking = at > 0 && steps % lookEverySteps === 0;
      const rate = slowest();
      if (rate === undefined) return undefined;
      const takes = (rung: number): number => feedbackBytes(codecAt(rung), numbers) / rate;
      const fitting = ladder.findIndex((_, rung) => takes(rung) <= otherMs * (rung < at ? shareBack : share));
      const next = fitting < 0 ? ladder.length - 1 : fitting;
      if (next === at) return undefined;
      const from = at;
      at = next;
      looking = false;
      const [now, before] = [codecAt(next).kind, codecAt(from).kind];
      return `${now} in place of ${before}: at ${(rate / 1000).toFixed(1)} MB/s it takes ${Math.round(takes(next))} ms, not ${Math.round(takes(from))}, beside ${Math.round(otherMs)} of all else in a step`;
    },
  };
}
