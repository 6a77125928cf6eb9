import {
  type Channel,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";

export type MessageHandler = (message: Message, slices: readonly Uint8Array[]) => void;

/**
 * Listens to a new channel: its first message must be a `hello` of this run and protocol; what `greet` answers takes
 * the rest. What a peer gets wrong closes its channel, what we get wrong goes to `onFailure`.
 */
export function listenTo(
  channel: Channel,
  options: {
    readonly runId: string;
    readonly greet: (channel: Channel, hello: MessageOf<"hello">) => MessageHandler;
    readonly onMistake: (text: string) => void;
    readonly onFailure: (error: unknown) => void;
  },
): void {
  let handle: MessageHandler | undefined;
  const first = (message: Message): MessageHandler => {
    if (message.type !== "hello")
      throw new ProtocolError(`a connection begins with "hello", not "${message.type}"`);
    if (message.protocol === protocolVersion) return options.greet(channel, message);
    const reason = `protocol ${message.protocol}; this coordinator speaks ${protocolVersion}`;
    channel.close(closeCodes.wrongVersion, reason);
    return () => undefined;
  };
  channel.onMessage((message, slices) => {
    if (message.runId !== options.runId) {
      channel.close(closeCodes.wrongRun, `this is run ${options.runId}, not ${message.runId}`);
      return;
    }
    try {
      if (handle) handle(message, slices);
      else handle = first(message);
    } catch (error) {
      if (error instanceof ProtocolError) {
        options.onMistake(`${channel.remote} spoke out of turn: ${error.message}`);
        channel.close(closeCodes.protocolError, error.message.slice(0, 120));
      } else options.onFailure(error);
    }
  });
}
