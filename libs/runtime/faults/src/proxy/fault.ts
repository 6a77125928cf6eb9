/** Up is towards the proxy's target, down is back to whoever connected. */
export type Way = "up" | "down";
export type Direction = Way | "both";

/**
 * Which WebSocket messages a fault befalls, counted from 1 since the fault was added, in each direction by itself and
 * over all connections: just the one, or one in so many.
 */
export type Which = { readonly message: number } | { readonly every: number };

/** Bytes of a message change. Pings, pongs and close frames are left alone by all faults of messages. */
export type Corrupt = {
  readonly kind: "corrupt";
  readonly direction: Direction;
  /** One byte of what the message carries (default), or of the WebSocket's own few bytes around it. */
  readonly where?: "payload" | "framing";
} & Which;

/** The end of a message is missing. */
export type Truncate = {
  readonly kind: "truncate";
  readonly direction: Direction;
  /** `mended` (default): it arrives as a whole, shorter message. `kept`: the bytes that follow are taken for the missing. */
  readonly framing?: "mended" | "kept";
} & Which;

/** A message comes twice. */
export type Duplicate = { readonly kind: "duplicate"; readonly direction: Direction } & Which;

/** A message comes after the next one of its connection; where none follows for a second, it goes as it is. */
export type Reorder = { readonly kind: "reorder"; readonly direction: Direction } & Which;

/** The connection is lost somewhere inside a message. */
export type Cut = { readonly kind: "cut"; readonly direction: Direction } & Which;

/** A message comes later, and whatever is behind it too, as TCP keeps the order. */
export type Delay = { readonly kind: "delay"; readonly direction: Direction; readonly ms: number } & Which;

/** All connections together carry no more than this in each direction. */
export interface Throttle {
  readonly kind: "throttle";
  readonly direction: Direction;
  readonly bytesPerSecond: number;
}

/**
 * A partition: bytes vanish, and so do the ends of connections, until it is lifted. Connections that are made meanwhile
 * hang, and are served afterwards.
 */
export interface Blackhole {
  readonly kind: "blackhole";
  readonly direction: Direction;
}

export type MessageFault = Corrupt | Truncate | Duplicate | Reorder | Cut | Delay;
export type ProxyFault = MessageFault | Throttle | Blackhole;

/** What was done, and how often: messages, or pieces of bytes that vanished or had to wait. */
export type ProxyCounts = Readonly<Record<ProxyFault["kind"], number>>;

export function isMessageFault(fault: ProxyFault): fault is MessageFault {
  return fault.kind !== "throttle" && fault.kind !== "blackhole";
}

export function goes(fault: ProxyFault, way: Way): boolean {
  return fault.direction === "both" || fault.direction === way;
}

/** @param count of the message, from 1 */
export function befalls(which: Which, count: number): boolean {
  return "message" in which ? which.message === count : count % which.every === 0;
}
