import type { Socket } from "node:net";
import type { Clock } from "@latentweave/protocol";
import type { ActiveFaults } from "./active-faults.ts";
import { beginning, corrupted, truncated } from "./alter-message.ts";
import type { Way } from "./fault.ts";
import { Outlet } from "./outlet.ts";
import { payloadOf, wireBytes, type WireFrame, type WireReader, withPayload } from "./websocket-wire.ts";

/*
 * Owns: one direction of one connection, from the socket that is read to the one that is written. Does not own: which
 * fault is whose turn (active-faults.ts), when bytes leave (outlet.ts).
 *
 * Invariants:
 * 1. Without faults the same bytes leave in the same order.
 * 2. What waits to leave is bounded: beyond it the source is not read.
 */

/** A message as its sender meant it, to be replaced by another; undefined: it stays. */
export type AlterMessage = (way: Way, payload: Buffer) => Buffer | undefined;

export interface FlowOptions {
  readonly way: Way;
  readonly source: Socket;
  readonly target: Socket;
  readonly reader: WireReader;
  readonly faults: ActiveFaults;
  readonly clock: Clock;
  readonly alter: AlterMessage | undefined;
  /** The connection is to be lost now. */
  readonly onCut: () => void;
}

const mostQueuedBytes = 1024 * 1024;
/** A message that waits for another to overtake it waits no longer. */
const reorderPatienceMs = 1_000;

export class Flow {
  readonly #options: FlowOptions;
  readonly #outlet: Outlet;
  #isCut = false;
  #held: { readonly bytes: Buffer; readonly done: () => void; readonly cancel: () => void } | undefined;

  constructor(options: FlowOptions) {
    const { way, source, target, faults, clock } = options;
    this.#options = options;
    this.#outlet = new Outlet(
      target,
      clock,
      () => faults.link(way),
      () => this.#backPressure(),
    );
    source.on("data", (chunk: Buffer) => this.#take(chunk));
    source.once("end", () => this.#finish(() => target.end()));
    source.once("close", () => this.#finish(() => target.destroySoon()));
    source.on("error", () => source.destroy());
  }

  /** To be called when faults were added or lifted. */
  faultsChanged(): void {
    this.#outlet.pump();
  }

  drop(): void {
    this.#isCut = true;
    this.#held?.cancel();
    this.#held = undefined;
    this.#outlet.drop();
  }

  #take(chunk: Buffer): void {
    for (const unit of this.#options.reader.push(chunk)) {
      if (this.#isCut) return;
      if (unit.kind === "raw") this.#outlet.send(unit.bytes);
      else this.#takeMessage(unit.frames);
    }
    this.#backPressure();
  }

  #takeMessage(original: readonly WireFrame[]): void {
    const { way, faults, alter, onCut } = this.#options;
    const other = alter?.(way, payloadOf(original));
    const frames = other === undefined ? original : [withPayload(original, other)];
    let bytes: Buffer | undefined;
    let delayMs = 0;
    let copies = 1;
    let hold: (() => void) | undefined;
    for (const { fault, draw, done } of faults.befall(way)) {
      if (fault.kind === "cut") {
        this.#outlet.send(beginning(frames, draw), delayMs);
        this.#isCut = true;
        this.#outlet.end(onCut);
        return done();
      }
      if (fault.kind === "reorder") {
        hold = done;
        continue;
      }
      if (fault.kind === "delay") delayMs += fault.ms;
      else if (fault.kind === "duplicate") copies += 1;
      // What has been damaged already is not damaged again.
      else if (bytes !== undefined) continue;
      else if (fault.kind === "corrupt") bytes = corrupted(frames, fault.where, draw);
      else bytes = truncated(frames, fault.framing, draw);
      done();
    }
    bytes ??= wireBytes(frames);
    if (hold !== undefined && this.#held === undefined) return this.#hold(bytes, hold);
    for (let i = 0; i < copies; i++) this.#outlet.send(bytes, delayMs);
    this.#release(true);
  }

  #hold(bytes: Buffer, done: () => void): void {
    const cancel = this.#options.clock.after(reorderPatienceMs, () => this.#release(false));
    this.#held = { bytes, done, cancel };
  }

  #release(overtaken: boolean): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    held.cancel();
    if (overtaken) held.done();
    this.#outlet.send(held.bytes);
  }

  #finish(then: () => void): void {
    if (this.#isCut) return;
    this.#release(false);
    this.#outlet.end(then);
  }

  #backPressure(): void {
    const { source } = this.#options;
    if (this.#outlet.queuedBytes > mostQueuedBytes) source.pause();
    else if (source.isPaused()) source.resume();
  }
}
