import { describe, expect, it } from "vitest";
import { decodeLines, labelledLines, textsOf } from "./lines.ts";

describe("lines of a file", () => {
  it("that are not UTF-8 are read as Windows-1252, and the others stay what they are", () => {
    const bytes = Buffer.concat([
      Buffer.from("naïve\n", "utf8"),
      Buffer.from([0x61, 0x93, 0xe9, 0x94, 0x0d, 0x0a]),
      Buffer.from("last", "utf8"),
    ]);
    expect(decodeLines(bytes)).toEqual({ lines: ["naïve", "a“é”", "last"], otherEncoding: 1 });
    expect(decodeLines(new Uint8Array())).toEqual({ lines: [], otherEncoding: 0 });
  });

  it("have a label before the first tab", () => {
    expect(labelledLines(["1\tgood\tbuy", "", "0\t"], "a.txt")).toEqual([
      { label: "1", text: "good\tbuy" },
      { label: "0", text: "" },
    ]);
    expect(() => labelledLines(["1\tgood", "no label"], "a.txt")).toThrow("a.txt, line 2");
    expect(() => labelledLines(["\tgood"], "a.txt")).toThrow("nothing before the tab");
  });

  it("without labels are texts, with or without something before a tab", () => {
    expect(textsOf(["plain", "  ", "1\tgood"])).toEqual(["plain", "good"]);
  });
});
