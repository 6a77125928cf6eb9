import { type Channel, type Clock, decodeFrame, encodeFrame, parseMessage } from "@latentweave/protocol";

/** How long one message travels, ms. */
export type Delay = (way: { readonly from: string; readonly to: string; readonly bytes: number }) => number;

interface End extends Channel {
  deliver(bytes: Uint8Array): void;
  closed(code: number, reason: string): void;
}

/**
 * Two ends of a connection in virtual time. Messages go through the real codec and its checks, so a simulated run also
 * tests what goes over the wire; order is kept as TCP keeps it.
 */
export function createChannelPair(
  clock: Clock,
  delay: Delay,
  names: readonly [string, string],
): readonly [Channel, Channel] & { readonly cut: (reason: string) => void } {
  let open = true;
  const end = (name: string, own: string, peer: () => End): End => {
    const delayOf = (bytes: number): number => delay({ from: own, to: name, bytes });
    const messageHandlers: Parameters<Channel["onMessage"]>[0][] = [];
    const closeHandlers: Parameters<Channel["onClose"]>[0][] = [];
    const early: Uint8Array[] = [];
    let lastArrivalMs = 0;
    let bufferedBytes = 0;
    let gone = false;
    const dispatch = (bytes: Uint8Array): void => {
      const { message, slices } = decodeFrame(bytes);
      const parsed = parseMessage(message);
      for (const handler of messageHandlers) handler(parsed, slices);
    };
    return {
      remote: name,
      local: true,
      get bufferedBytes() {
        return bufferedBytes;
      },
      send(message, slices = []) {
        if (!open) return;
        const frame = Buffer.concat(encodeFrame(message, slices));
        bufferedBytes += frame.byteLength;
        lastArrivalMs = Math.max(lastArrivalMs, clock.nowMs() + delayOf(frame.byteLength));
        clock.after(lastArrivalMs - clock.nowMs(), () => {
          bufferedBytes -= frame.byteLength;
          if (open) peer().deliver(frame);
        });
      },
      // `send` copies into the frame at once.
      sendCopy(message, slices) {
        this.send(message, slices);
      },
      stage: () => undefined,
      async drained() {
        if (bufferedBytes > 0) await new Promise<void>((resolve) => clock.after(0, resolve));
      },
      close(code, reason) {
        if (!open) return;
        clock.after(Math.max(lastArrivalMs, clock.nowMs() + delayOf(0)) - clock.nowMs(), () => {
          if (!open) return;
          open = false;
          peer().closed(code, reason);
          this.closed(code, reason);
        });
      },
      onMessage(handler) {
        messageHandlers.push(handler);
        for (const bytes of early.splice(0)) dispatch(bytes);
      },
      onClose: (handler) => void closeHandlers.push(handler),
      deliver(bytes) {
        if (messageHandlers.length === 0) early.push(bytes);
        else dispatch(bytes);
      },
      closed(code, reason) {
        if (gone) return;
        gone = true;
        for (const handler of closeHandlers) handler(code, reason);
      },
    };
  };
  const a: End = end(names[1], names[0], () => b);
  const b: End = end(names[0], names[1], () => a);
  const cut = (reason: string): void => {
    if (!open) return;
    open = false;
    a.closed(1006, reason);
    b.closed(1006, reason);
  };
  return Object.assign([a, b] as const, { cut });
}
