import fs from "node:fs";
import { promisify } from "node:util";
import { diskError } from "./disk-error.ts";
import { type DiskPatience, noPatience } from "./disk-patience.ts";

/** Text that waits in memory for the disk; beyond this the writer waits, so that memory stays bounded. */
const maxPendingBytes = 1 << 20;

/** Lines that come one by one wait for others, so long or until they are so many: a write costs more than a line. */
export interface Gathering {
  readonly forMs: number;
  readonly lines: number;
}

const fewLines: Gathering = { forMs: 25, lines: 8 };

/**
 * An append-only file of lines. `append` returns at once; lines are written in order, many at a time, off the event
 * loop, soon after; when the disk falls behind by a mebibyte, `append` writes and thereby holds its caller back.
 *
 * 1. The file always ends after a whole line, except while a write is under way or after a crash in one.
 * 2. While the disk refuses and may take it later, lines wait in memory, however many.
 * 3. The first failure is kept: the file is cut back to its last whole line and every later call throws that failure.
 */
export class LineFile {
  readonly path: string;
  #descriptor: number;
  /** Where the next line goes; all before it is written or being written. */
  #end: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Ends the gathering that is under way, if one is. */
  #endGathering: () => void = () => undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Where the lines begin that the drain is writing just now. */
  #inFlight: number | undefined;
  #waiting: {
    readonly end: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #failure: { readonly error: unknown } | undefined;
  readonly #patience: DiskPatience;
  readonly #gathering: Gathering;
  /** The disk has refused what is being written, and is asked again. */
  #refused = false;

  /** Opens or creates the file and cuts off a torn last line. @returns also how many bytes were cut. */
  static open(
    path: string,
    patience: DiskPatience = noPatience,
    gathering = fewLines,
  ): { readonly file: LineFile; readonly tornBytes: number } {
    try {
      const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
      const size = fs.fstatSync(descriptor).size;
      const end = endOfLastLine(descriptor, size);
      if (end < size) fs.ftruncateSync(descriptor, end);
      return { file: new LineFile(path, descriptor, end, patience, gathering), tornBytes: size - end };
    } catch (error) {
      throw diskError(error, path);
    }
  }

  private constructor(
    path: string,
    descriptor: number,
    end: number,
    patience: DiskPatience,
    gathering: Gathering,
  ) {
    this.path = path;
    this.#gathering = gathering;
    this.#patience = patience;
    this.#descriptor = descriptor;
    this.#end = end;
  }

  /** @throws the failure of an earlier write: UserError on a full disk. */
  append(line: string): void {
    this.#check();
    const bytes = Buffer.from(`${line}\n`, "utf8");
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.byteLength;
    if (this.#pendingBytes > maxPendingBytes && !this.#refused) this.#writeNow();
    else this.#writing ??= this.#drain();
    if (this.#pending.length >= this.#gathering.lines) this.#endGathering();
  }

  /** Everything appended so far is on the disk when this resolves. */
  async sync(): Promise<void> {
    await this.#settle();
    try {
      await promisify(fs.fsync)(this.#descriptor);
    } catch (error) {
      throw diskError(error, this.path);
    }
  }

  /** Resolves once all that was appended so far is with the operating system; rejects with the failure of a write. */
  async written(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ end: this.#end + this.#pendingBytes, resolve, reject });
      this.#tellWritten();
    });
  }

  /** Of a file that has just been opened; empty when it has none. */
  firstLine(): string {
    const buffer = Buffer.alloc(Math.min(windowBytes, this.#end));
    const read = fs.readSync(this.#descriptor, buffer, 0, buffer.byteLength, 0);
    const at = buffer.subarray(0, read).indexOf(lineFeed);
    return buffer.toString("utf8", 0, at < 0 ? read : at);
  }

  /** The lines of a file that has just been opened, the last one first. */
  *backwards(): Generator<string> {
    for (let end = this.#end; end > 0;) {
      const start = endOfLastLine(this.#descriptor, end - 1);
      const buffer = Buffer.alloc(end - 1 - start);
      fs.readSync(this.#descriptor, buffer, 0, buffer.byteLength, start);
      yield buffer.toString("utf8");
      end = start;
    }
  }

  /** Cuts the file to `bytes`, which must be the end of a line. */
  async truncate(bytes: number): Promise<void> {
    await this.#settle();
    this.#cutTo(bytes);
  }

  /** Removes the last line of a file that has just been opened. */
  cutLastLine(): void {
    this.#cutTo(this.#end === 0 ? 0 : endOfLastLine(this.#descriptor, this.#end - 1));
  }

  /** Goes on in a file that has just been renamed over this one. */
  async reopen(): Promise<void> {
    await this.#settle();
    fs.closeSync(this.#descriptor);
    this.#descriptor = fs.openSync(this.path, fs.constants.O_RDWR);
    this.#end = fs.fstatSync(this.#descriptor).size;
  }

  /** Once, however often it is asked for: the number of a descriptor soon belongs to another file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      fs.closeSync(this.#descriptor);
    }
  }

  async #settle(): Promise<void> {
    this.#endGathering();
    while (this.#writing) await this.#writing;
    this.#check();
  }

  #cutTo(bytes: number): void {
    try {
      fs.ftruncateSync(this.#descriptor, bytes);
    } catch (error) {
      throw diskError(error, this.path);
    }
    this.#end = bytes;
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #take(): { bytes: Buffer; position: number } {
    const bytes = Buffer.concat(this.#pending);
    const position = this.#end;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#end += bytes.byteLength;
    return { bytes, position };
  }

  async #drain(): Promise<void> {
    await this.#gather();
    while (this.#pending.length > 0 && !this.#failure) {
      const { bytes, position } = this.#take();
      this.#inFlight = position;
      try {
        for (let done = 0; done < bytes.byteLength;)
          done += await this.#patience(this.path, () => this.#write(bytes, done, position + done));
      } catch (error) {
        this.#fail(error, position);
      }
      this.#inFlight = undefined;
      this.#tellWritten();
    }
    this.#writing = undefined;
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#gathering.forMs);
      this.#endGathering = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #write(bytes: Buffer, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, bytes, offset, bytes.byteLength - offset, position, (error, written) => {
        this.#refused = error !== null;
        if (error) reject(error);
        else resolve(written);
      });
    });
  }

  /** Its position is its own, so it may overtake a write that is under way. */
  #writeNow(): void {
    const { bytes, position } = this.#take();
    let done = 0;
    try {
      while (done < bytes.byteLength)
        done += fs.writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
    } catch {
      // Back to the others: whether it is asked again, or that was all, is decided in one place.
      this.#refused = true;
      this.#end = position + done;
      this.#pending.unshift(bytes.subarray(done));
      this.#pendingBytes += bytes.byteLength - done;
      this.#writing ??= this.#drain();
    }
    this.#tellWritten();
  }

  /** All before what is in flight has been written: lines are written in order, but for those that overtake it. */
  #tellWritten(): void {
    const written = this.#inFlight ?? this.#end;
    const done = this.#waiting.filter(({ end }) => end <= written);
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter(({ end }) => end > written);
    for (const { resolve } of done) resolve();
  }

  #fail(error: unknown, position: number): void {
    this.#failure ??= { error: diskError(error, this.path) };
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure.error);
    this.#end = Math.min(this.#end, position);
    try {
      fs.ftruncateSync(this.#descriptor, this.#end);
    } catch {
      // The first failure is the one to tell; opening the file again cuts off what is left of a line.
    }
  }
}

const lineFeed = 0x0a;
const windowBytes = 1 << 16;

/** Position after the last line feed at or before `size`. */
function endOfLastLine(descriptor: number, size: number): number {
  const buffer = Buffer.alloc(Math.min(windowBytes, size));
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - windowBytes);
    const read = fs.readSync(descriptor, buffer, 0, end - start, start);
    const at = buffer.subarray(0, read).lastIndexOf(lineFeed);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

export interface Line {
  readonly number: number;
  readonly text: string;
  /** Position after its line feed. */
  readonly end: number;
}

/**
 * The whole lines of a file in order, in bounded memory; a torn last one is left out. A missing file has none.
 * @param after begins after this line
 */
export async function* readLines(
  path: string,
  after: Pick<Line, "number" | "end"> = { number: 0, end: 0 },
): AsyncGenerator<Line> {
  if (!fs.existsSync(path)) return;
  let rest = Buffer.alloc(0);
  let { number, end: position } = after;
  for await (const chunk of fs.createReadStream(path, {
    start: position,
    highWaterMark: windowBytes,
  }) as AsyncIterable<Buffer>) {
    let bytes = rest.byteLength > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed)) {
      position += at + 1;
      number += 1;
      yield { number, text: bytes.toString("utf8", 0, at), end: position };
      bytes = bytes.subarray(at + 1);
    }
    rest = Buffer.from(bytes);
  }
}
