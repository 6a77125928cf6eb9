import type { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";

const escape = "\u001b[";

/**
 * A block of lines at the end of a terminal, redrawn in place. Each redraw is one write between the marks of a
 * synchronised update, and lines are overwritten, never cleared first: so nothing flickers.
 */
export class LiveScreen {
  readonly #stream: WriteStream;
  #shown: readonly string[] = [];

  constructor(stream: WriteStream) {
    this.#stream = stream;
    stream.write(`${escape}?25l`);
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  /** Replaces the block. Lines too long for the terminal are cut; lines too many for it are left out at the end. */
  draw(lines: readonly string[]): void {
    const fitting = lines
      .slice(0, Math.max(1, (this.#stream.rows || 24) - 1))
      .map((line) => cut(line, this.columns));
    this.#write(this.#toTop() + fitting.map((line) => `${line}${escape}K\n`).join("") + `${escape}J`);
    this.#shown = fitting;
  }

  /** Prints a line that stays, above the block. */
  print(text: string): void {
    const block = this.#shown.map((line) => `${line}${escape}K\n`).join("");
    this.#write(`${this.#toTop()}${text}${escape}K\n${block}${escape}J`);
  }

  /** Leaves the block as it is and gives the cursor back. */
  close(): void {
    this.#stream.write(`${escape}?25h`);
  }

  #toTop(): string {
    return this.#shown.length > 0 ? `${escape}${this.#shown.length}A\r` : "\r";
  }

  #write(text: string): void {
    this.#stream.write(`${escape}?2026h${text}${escape}?2026l`);
  }
}

/** Cuts to a number of visible characters; colours end with the line. */
export function cut(line: string, columns: number): string {
  if (stripVTControlCharacters(line).length <= columns) return line;
  let visible = 0;
  let result = "";
  for (const [part] of line.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    if (part.length === 1 || !part.startsWith("\u001b")) {
      if (visible === columns - 1) break;
      visible += 1;
    }
    result += part;
  }
  return `${result}…${escape}0m`;
}
