import type { WriteStream } from "node:tty";
import type { StreamMessage } from "@latentweave/telemetry";
import type { Output } from "../command/output.ts";
import { eventLine, liveBlock } from "../show/live-block.ts";
import { LiveScreen } from "../show/live-screen.ts";
import { progressText } from "../show/progress-line.ts";
import { createProgressReducer } from "../show/progress-state.ts";

/** Shows a run while it goes on. */
export interface RunView {
  take(message: StreamMessage): void;
  /** A line from elsewhere, such as the answer to Ctrl-C. */
  note(text: string): void;
  close(): void;
}

/** 10 times a second: smooth to the eye, nothing to the machine. */
const redrawMs = 100;
/** Plain lines come this often, or after this share of the run, whichever is first. */
const plainEveryMs = 5_000;
const plainEveryShare = 0.05;
/** Short runs would otherwise pour out lines. */
const plainAtLeastMs = 500;

/** The view that fits: JSON lines, nothing, a live block in a terminal, or plain lines. */
export function createRunView(output: Output, url: string, stream: WriteStream = process.stdout): RunView {
  if (output.json) return jsonView(output);
  if (output.quiet) return { take: () => undefined, note: () => undefined, close: () => undefined };
  return stream.isTTY && process.env.TERM !== "dumb" ? liveView(url, stream) : plainView(output);
}

function jsonView(output: Output): RunView {
  return {
    take: (message) => output.jsonLine(message),
    note: (text) => output.note(text),
    close: () => undefined,
  };
}

function liveView(url: string, stream: WriteStream): RunView {
  const progress = createProgressReducer();
  const screen = new LiveScreen(stream);
  let isChanged = true;
  const draw = (): void => {
    if (!isChanged) return;
    isChanged = false;
    screen.draw(liveBlock(progress.state, { columns: screen.columns, url }));
  };
  const redrawAll = (): void => {
    isChanged = true;
  };
  const timer = setInterval(draw, redrawMs);
  const showCursor = (): void => screen.close();
  stream.on("resize", redrawAll);
  process.once("exit", showCursor);
  draw();
  return {
    take(message) {
      progress.take(message);
      isChanged = true;
    },
    note: (text) => screen.print(text),
    close() {
      clearInterval(timer);
      stream.off("resize", redrawAll);
      process.off("exit", showCursor);
      isChanged = true;
      draw();
      screen.close();
    },
  };
}

function plainView(output: Output): RunView {
  const progress = createProgressReducer();
  let printedAtMs = 0;
  let printedStep = 0;
  let eventsPrinted = 0;
  const line = (): void => {
    const { step, totalSteps } = progress.state;
    if (step === printedStep || totalSteps === 0) return;
    // Back to a checkpoint: what is done again is shown again.
    printedStep = Math.min(printedStep, step);
    const sinceMs = performance.now() - printedAtMs;
    const isFar = step - printedStep >= plainEveryShare * totalSteps && sinceMs >= plainAtLeastMs;
    const isAtEdge = printedStep === 0 || step >= totalSteps;
    if (!isFar && !isAtEdge && sinceMs < plainEveryMs) return;
    output.line(progressText(progress.state));
    [printedAtMs, printedStep] = [performance.now(), step];
  };
  const events = (): void => {
    const all = progress.state.events;
    for (const event of all.filter(({ atMs }) => atMs > eventsPrinted)) output.line(eventLine(event));
    eventsPrinted = Math.max(eventsPrinted, all.at(-1)?.atMs ?? 0);
  };
  return {
    take(message) {
      progress.take(message);
      if (message.kind === "event") output.line(eventLine(message.event));
      else if (message.kind === "snapshot") events();
      if (message.kind === "event") eventsPrinted = Math.max(eventsPrinted, message.event.atMs);
      line();
    },
    note: (text) => output.line(text),
    close: line,
  };
}
