export { UserError, type UserErrorParts } from "./user-error.ts";
export { cacheDirectory } from "./cache-directory.ts";
export { type Channel, type CloseCode, type Dialer, ChannelRefused, closeCodes } from "./channel.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type Message } from "./messages.ts";
