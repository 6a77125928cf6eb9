export { UserError, type UserErrorParts } from "./user-error.ts";
export { cacheDirectory } from "./cache-directory.ts";
export { type Channel, type CloseCode, type Dialer, ChannelRefused, closeCodes } from "./channel.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  type Lease,
  type Message,
  type MessageOf,
  parseMessage,
  type PayloadHeader,
  ProtocolError,
  protocolVersion,
  type TaskRecord,
  type Timings,
} from "./messages.ts";
