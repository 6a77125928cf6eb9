export { backoffMs } from "./backoff.ts";
export { createWebSocketDialer, type DialerOptions } from "./dialer.ts";
export { hostIdentity, loopbackIdentity } from "./host-identity.ts";
export { type HttpHandler } from "./http-answers.ts";
export { createInProcess, type InProcess } from "./in-process.ts";
export {
  type ConnectionEnd,
  keepConnected,
  type KeepConnectedOptions,
  type StopSignal,
} from "./reconnect.ts";
export { createServer, type ServerOptions, type TransportServer } from "./server.ts";
export { type TunnelTarget } from "./tunnel.ts";
export { subprotocol } from "./versions.ts";
