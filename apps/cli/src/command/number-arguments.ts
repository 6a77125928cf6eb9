import { InvalidArgumentError } from "commander";

/** Parses a whole number for commander, which puts the flag's name before the message. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < least || value > most)
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `Expected a whole number, ${least} or more.`
          : `Expected a whole number from ${least} to ${most}.`,
      );
    return value;
  };
}

/** A port, or "off". */
export function portOrOff(text: string): number | "off" {
  return text === "off" ? "off" : wholeNumber(0, 65_535)(text);
}

/** For flags that may be given again and again. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
