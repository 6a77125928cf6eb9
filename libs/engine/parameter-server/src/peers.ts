import {
  type Channel,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";

export type MessageHandler = (message: Message, slices: readonly Uint8Array[]) => void;

/** Runs a handler of one channel's messages; what a peer got wrong closes its channel, what we got wrong goes to `onFailure`. */
export function listenTo(
  channel: Channel,
  runId: string,
  handle: MessageHandler,
  onFailure: (error: unknown) => void,
): void {
  channel.onMessage((message, slices) => {
    if (message.runId !== runId) {
      channel.close(closeCodes.wrongRun, `this is run ${runId}, not ${message.runId}`);
      return;
    }
    try {
      handle(message, slices);
    } catch (error) {
      if (error instanceof ProtocolError)
        channel.close(closeCodes.protocolError, error.message.slice(0, 120));
      else onFailure(error);
    }
  });
}

/** A channel's first message says who speaks; what `greet` answers takes the rest. */
export function afterAttach(
  channel: Channel,
  greet: (message: MessageOf<"attach" | "attach-shard" | "attach-buddy">) => MessageHandler,
): MessageHandler {
  let handle: MessageHandler | undefined;
  return (message, slices) => {
    if (handle) {
      handle(message, slices);
      return;
    }
    if (message.type !== "attach" && message.type !== "attach-shard" && message.type !== "attach-buddy")
      throw new ProtocolError(`a connection begins with "attach", not "${message.type}"`);
    if (message.protocol === protocolVersion) handle = greet(message);
    else {
      const reason = `protocol ${message.protocol}, this side speaks ${protocolVersion}`;
      channel.close(closeCodes.wrongVersion, reason);
    }
  };
}
