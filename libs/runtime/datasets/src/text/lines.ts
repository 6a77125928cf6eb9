import { UserError } from "@latentweave/protocol";

/** Lines of a file as text. */
export interface Lines {
  readonly lines: readonly string[];
  /** How many of them were not UTF-8 and were read as Windows-1252. */
  readonly otherEncoding: number;
}

const newLine = 0x0a;
const carriageReturn = 0x0d;

/**
 * Bytes as lines, each decoded by itself: as UTF-8, and where it is none as Windows-1252, which has a meaning for every
 * byte. So one odd line of a file costs no other its letters. What follows the last line break is a line if there is
 * anything.
 */
export function decodeLines(bytes: Uint8Array): Lines {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const lines: string[] = [];
  let otherEncoding = 0;
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(newLine, start);
    const next = found < 0 ? bytes.length : found;
    const line = bytes.subarray(start, next > start && bytes[next - 1] === carriageReturn ? next - 1 : next);
    try {
      lines.push(utf8.decode(line));
    } catch {
      lines.push(windows1252(line));
      otherEncoding++;
    }
    start = next + 1;
  }
  return { lines, otherEncoding };
}

/** What bytes 0x80 to 0x9F are; five mean nothing and stay control characters. */
const windows1252Marks = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
const firstMark = 0x80;

/** By a table of our own: TextDecoder has read these bytes as Latin-1 in several versions of Node.js. */
function windows1252(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => windows1252Marks[byte - firstMark] ?? String.fromCharCode(byte)).join(
    "",
  );
}

export interface LabelledLine {
  readonly label: string;
  readonly text: string;
}

/**
 * `label<TAB>text`; blank lines are left out.
 * @throws UserError naming the line that has no label
 */
export function labelledLines(lines: readonly string[], file: string): LabelledLine[] {
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const tab = line.indexOf("\t");
    const label = line.slice(0, Math.max(0, tab)).trim();
    if (label !== "") return [{ label, text: line.slice(tab + 1) }];
    throw new UserError({
      what: tab < 0 ? "the line has no tab" : "there is nothing before the tab",
      where: `${file}, line ${index + 1}`,
      expected: "a label, a tab, and the text",
      mend: "write the label before the text, or name the file in unlabelled",
    });
  });
}

/** The text of each line, without what is before a tab; blank lines are left out. */
export function textsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.trim() !== "").map((line) => line.slice(line.indexOf("\t") + 1));
}
