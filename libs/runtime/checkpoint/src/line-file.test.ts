import fs from "node:fs";
import path from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { LineFile } from "./line-file.ts";
import { temporaryFolder } from "./testing/small-run.ts";

function scene() {
  const { file } = LineFile.open(path.join(temporaryFolder(), "lines"));
  const write = vi.spyOn(fs, "write");
  onTestFinished(async () => {
    write.mockRestore();
    vi.useRealTimers();
    await file.close();
  });
  return { file, writes: () => write.mock.calls.length, text: () => fs.readFileSync(file.path, "utf8") };
}

/** No line is written because time passes, but when it is told to. */
const stopTime = (): unknown => vi.useFakeTimers({ toFake: ["setTimeout"] });

it("lines that come one by one are written together, and whoever waits for them is told", async () => {
  stopTime();
  const { file, writes, text } = scene();
  for (const line of ["a", "b", "c"]) {
    file.append(line);
    await new Promise(setImmediate);
  }
  expect(text()).toBe("");
  const written = file.written();
  vi.runAllTimers();
  await written;
  expect(text()).toBe("a\nb\nc\n");
  expect(writes()).toBe(1);
});

it("eight lines wait for no more", async () => {
  stopTime();
  const { file, text } = scene();
  for (let line = 0; line < 8; line++) file.append(String(line));
  await file.written();
  expect(text().split("\n")).toHaveLength(9);
});

it("a line that is to be on the disk waits for no more, and lines that follow are gathered again", async () => {
  stopTime();
  const { file, writes, text } = scene();
  for (const line of ["a", "b"]) {
    file.append(line);
    await file.sync();
  }
  expect(text()).toBe("a\nb\n");
  expect(writes()).toBe(2);
});
