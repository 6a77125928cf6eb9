import { protocolVersion } from "@latentweave/protocol";

/** The WebSocket subprotocol of this program; the number is the version of docs/protocol.md. */
export const subprotocol: string = `latentweave.v${protocolVersion}`;

/** What was said by both, for a person who has to update one of them. */
export function versionMismatch(offered: readonly string[]): string {
  const theirs = offered.length === 0 ? "no latentweave protocol" : offered.join(", ");
  return `this side speaks ${subprotocol}, the other offered ${theirs}`;
}
