import { connect, type OnReadOpts, Socket, type TcpNetConnectOpts } from "node:net";

/*
 * Owns: where what comes through a TCP socket is written to. Does not own: what it means.
 *
 * Node reads into fresh memory of 64 KiB each time, which its collector then has to find: at a gigabyte a second that is
 * a third of a process's time. A socket with `onread` reads into memory that it is given. Node offers this for sockets
 * that connect; one that was accepted has to be moved to a new object (`withOwnReads`).
 *
 * Invariants:
 * 1. Until `divert` is called, and where the socket cannot do this, all that comes is pushed to the socket's stream.
 * 2. Bytes keep their order: as long as some wait in the stream, others are queued behind them.
 */

/** Takes what comes, in place of the socket's stream. */
export interface Reads {
  /** Where the next bytes should go; undefined: anywhere. */
  room(): Uint8Array | undefined;
  /** That many bytes have come to where `room` said. */
  wrote(bytes: number): void;
  /** These bytes have come, and are lent for the call. */
  take(bytes: Uint8Array): void;
}

/** All sockets of the process may share it: what was read is dealt with before the next read. */
const common = new Uint8Array(256 * 1024);
const diversions = new WeakMap<Socket, Diversion>();

class Diversion {
  readonly onread: OnReadOpts;
  #socket: Socket | undefined;
  #reads: Reads | undefined;
  #room: Uint8Array | undefined;

  constructor() {
    this.onread = {
      buffer: () => {
        this.#room = this.#isQueued ? undefined : this.#reads?.room();
        return this.#room ?? common;
      },
      callback: (bytes, buffer) => this.#came(bytes, buffer),
    };
  }

  belongTo(socket: Socket): void {
    this.#socket = socket;
    diversions.set(socket, this);
  }

  to(reads: Reads): void {
    this.#reads = reads;
  }

  get #isQueued(): boolean {
    return this.#socket === undefined || this.#socket.readableLength > 0;
  }

  /** @returns false: nothing more is to be read, for the time being */
  #came(bytes: number, buffer: Uint8Array): boolean {
    if (this.#reads === undefined || this.#isQueued) {
      return this.#socket?.push(Buffer.from(buffer.subarray(0, bytes))) ?? true;
    }
    if (buffer === this.#room) this.#reads.wrote(bytes);
    else this.#reads.take(buffer.subarray(0, bytes));
    return true;
  }
}

/** As `net.connect`, to a socket whose reads can be diverted. */
export function connectWithOwnReads(options: TcpNetConnectOpts): Socket {
  const diversion = new Diversion();
  const socket = connect({ ...options, onread: diversion.onread });
  diversion.belongTo(socket);
  return socket;
}

/** What Node keeps in a socket, and passes on itself when a connection moves (to another process, for one). */
interface Inside {
  _handle?: { useUserBuffer?: unknown } | null;
  _server?: unknown;
}

/**
 * An accepted connection, in a socket whose reads can be diverted. The one that is given is good for nothing any more,
 * and nobody must listen to it.
 *
 * @returns the same socket where this Node cannot do it
 */
export function withOwnReads(accepted: Socket): Socket {
  const from = accepted as unknown as Inside;
  const { _handle: handle, _server: server } = from;
  if (!handle || typeof handle.useUserBuffer !== "function" || accepted.readableLength > 0) return accepted;
  const diversion = new Diversion();
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread: diversion.onread };
  const socket = new Socket(options);
  diversion.belongTo(socket);
  // The server counts its connections by this.
  (socket as unknown as Inside)._server = server;
  from._server = null;
  from._handle = null;
  return socket;
}

/** From now on what comes goes to `reads`; what waits in the stream too, first. */
export function divert(socket: Socket, reads: Reads): void {
  socket.removeAllListeners("data");
  socket.on("data", ({ buffer, byteOffset, length }: Buffer) => {
    reads.take(new Uint8Array(buffer, byteOffset, length));
  });
  diversions.get(socket)?.to(reads);
}
