import type { WriteStream } from "node:tty";
import pc from "picocolors";
import type { Output } from "../command/output.ts";
import { LiveScreen } from "../show/live-screen.ts";
import { progressText } from "../show/progress-line.ts";
import { createProgressReducer } from "../show/progress-state.ts";
import type { RunView } from "../train/run-view.ts";

const redrawMs = 200;
const plainEveryMs = 5_000;

/** Views of several runs that go on at the same time: a line each, redrawn in a terminal, repeated elsewhere. */
export function createSideBySideViews(
  names: readonly string[],
  output: Output,
  stream: WriteStream = process.stdout,
): readonly RunView[] {
  const isLive = stream.isTTY && process.env.TERM !== "dumb";
  const runs = names.map((name) => ({ name, progress: createProgressReducer(), isOpen: true }));
  const screen = isLive ? new LiveScreen(stream) : undefined;
  const showCursor = (): void => screen?.close();
  process.once("exit", showCursor);
  const width = Math.max(...names.map((name) => name.length));
  const lines = (): string[] =>
    runs.map(({ name, progress }) => `${pc.bold(name.padEnd(width))}  ${progressText(progress.state)}`);
  const draw = (): void => {
    if (screen) screen.draw(lines());
    else for (const line of lines()) output.line(line);
  };
  const timer = setInterval(draw, isLive ? redrawMs : plainEveryMs);
  const note = (text: string): void => {
    if (screen) screen.print(text);
    else output.line(text);
  };
  return runs.map((run) => ({
    take: (message) => run.progress.take(message),
    note,
    close() {
      run.isOpen = false;
      if (runs.some(({ isOpen }) => isOpen)) return;
      clearInterval(timer);
      draw();
      screen?.close();
      process.off("exit", showCursor);
    },
  }));
}
