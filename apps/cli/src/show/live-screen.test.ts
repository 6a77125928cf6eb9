import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { LiveScreen } from "./live-screen.ts";

/** A terminal of few lines that carries out what it is told: enough to see what a person would see. */
class Terminal extends Writable {
  readonly lines: string[] = [""];
  readonly columns = 20;
  readonly rows = 6;
  row = 0;
  writes = 0;
  cursorShown = true;

  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.writes += 1;
    for (const [token] of bytes.toString().matchAll(/\u001b\[\??[\d;]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g))
      this.#obey(token);
    done();
  }

  #obey(token: string): void {
    const up = /^\u001b\[(\d+)A$/.exec(token)?.[1];
    if (up !== undefined) this.row -= Number(up);
    else if (token === "\n") this.lines[(this.row += 1)] ??= "";
    else if (token.endsWith("[J")) this.lines.splice(this.row, Number.POSITIVE_INFINITY, "");
    else if (token.endsWith("?25l") || token.endsWith("?25h")) this.cursorShown = token.endsWith("h");
    else if (!token.startsWith("\u001b") && token !== "\r") this.lines[this.row] = token;
  }
}

describe("a block redrawn in place", () => {
  it("replaces itself, shrinks, and keeps printed lines above it", () => {
    const terminal = new Terminal();
    const screen = new LiveScreen(terminal as unknown as WriteStream);
    screen.draw(["a1", "b1", "c1"]);
    screen.draw(["a2", "b2", "c2"]);
    expect(terminal.lines).toEqual(["a2", "b2", "c2", ""]);
    screen.print("kept");
    screen.draw(["a3"]);
    expect(terminal.lines).toEqual(["kept", "a3", ""]);
    expect(terminal.cursorShown).toBe(false);
    screen.close();
    expect(terminal.cursorShown).toBe(true);
  });

  it("draws in one write, and no more lines than the terminal has", () => {
    const terminal = new Terminal();
    const screen = new LiveScreen(terminal as unknown as WriteStream);
    const before = terminal.writes;
    screen.draw(["1", "2", "3", "4", "5", "6", "7"]);
    expect(terminal.writes - before).toBe(1);
    expect(terminal.lines).toEqual(["1", "2", "3", "4", "5", ""]);
  });
});
