import { UserError } from "@latentweave/protocol";
import { CategoryColumn } from "./category-column.ts";
import { isDecimal } from "./csv-records.ts";
import { GrowingFloats } from "./growing-floats.ts";

/** What targets are, and how it is said that a row has none. */
export interface TargetOptions {
  readonly targetKind?: "class" | "labels" | "number" | undefined;
  /** Their number, where they are called 0, 1, ..., or their names; undefined: those that are met. */
  readonly classes?: number | readonly string[] | undefined;
  /** True: empty cells and NaN; another value: that one too. Undefined: no target may be missing. */
  readonly unlabelled?: true | number | string | undefined;
}

/** A missing label is -1, a missing number NaN. */
export type TargetData =
  | { readonly kind: "class"; readonly labels: Int32Array; readonly names: readonly string[] }
  | { readonly kind: "labels" | "number"; readonly values: Float32Array; readonly names: readonly string[] };

/** Where a cell stands: how its number is read, and what is said of it. */
export interface TargetCell {
  readonly number: (cell: string) => number;
  readonly problem: (what: string, expected: string, mend?: string) => UserError;
}

/** Whether a cell's text says that there is no target. */
function isMissing(cell: string, unlabelled: TargetOptions["unlabelled"]): boolean {
  if (unlabelled === undefined) return false;
  if (cell === "" || /^[+-]?nan$/i.test(cell)) return true;
  if (typeof unlabelled === "number") return isDecimal(cell) && Number(cell) === unlabelled;
  return cell === unlabelled;
}

/** The classes that were declared, by name; undefined where the data say which there are. */
export function declaredClasses(classes: TargetOptions["classes"]): readonly string[] | undefined {
  return typeof classes === "number" ? Array.from({ length: classes }, (_, index) => String(index)) : classes;
}

/** The target columns of a table, cell by cell; what kind they are the first cell says, where nobody else does. */
export class TargetReader {
  readonly #file: string;
  readonly #names: readonly string[];
  readonly #unlabelled: TargetOptions["unlabelled"];
  readonly #declared: readonly string[] | undefined;
  readonly #categories = new CategoryColumn();
  readonly #values = new GrowingFloats();
  #kind: TargetOptions["targetKind"];

  /** @throws UserError where several columns are to be one class */
  constructor(file: string, names: readonly string[], options: TargetOptions) {
    this.#file = file;
    this.#names = names;
    this.#unlabelled = options.unlabelled;
    this.#declared = declaredClasses(options.classes);
    this.#kind = options.targetKind ?? (this.#declared ? "class" : names.length > 1 ? "number" : undefined);
    if (this.#kind === "class" && names.length > 1)
      throw new UserError({
        what: "several target columns cannot be classes",
        where: file,
        expected: "one target column",
        mend: 'name one, or, where each says with 0 and 1 whether its label is there, set targetKind: "labels"',
      });
  }

  /** Whether rows may be without a target. */
  get mayMiss(): boolean {
    return this.#unlabelled !== undefined;
  }

  add(cell: string, place: TargetCell): void {
    if (isMissing(cell, this.#unlabelled)) {
      this.#values.push(Number.NaN);
      return;
    }
    if (cell === "") throw place.problem("the cell is empty", "a target");
    this.#kind ??= isDecimal(cell) ? "number" : "class";
    this.#values.push(this.#valueOf(cell, place));
  }

  #valueOf(cell: string, place: TargetCell): number {
    if (this.#kind === "number") return place.number(cell);
    if (this.#kind === "labels") {
      if (isDecimal(cell) && (Number(cell) === 0 || Number(cell) === 1)) return Number(cell);
      throw place.problem(
        `"${cell}" does not say whether the label is there`,
        "1 where it is, 0 where it is not",
        'mend the cell, or set targetKind: "number" if the column holds numbers',
      );
    }
    if (!this.#declared) return this.#categories.indexOf(cell);
    const index = this.#declared.indexOf(cell);
    if (index >= 0) return index;
    throw place.problem(
      `the label "${cell}" is none of the ${this.#declared.length} classes`,
      `one of ${shownNames(this.#declared)}`,
      "mend the cell, or add the class to the data's classes; if it says that there is no label, name it in unlabelled",
    );
  }

  /** @throws UserError where no row has a target, so that nobody can say what they would be */
  finish(): TargetData {
    const values = this.#values.view();
    if (this.#kind === undefined)
      throw new UserError({
        what: `no row has a target in the column "${this.#names[0] ?? ""}"`,
        where: this.#file,
        expected: "a target in some rows",
        mend: "fill some in, or leave target out",
      });
    if (this.#kind !== "class") return { kind: this.#kind, values: values.slice(), names: this.#names };
    if (this.#declared) return { kind: "class", labels: labelsOf(values), names: this.#declared };
    const { values: names, rank } = this.#categories.sorted();
    return { kind: "class", labels: labelsOf(values, rank), names };
  }
}

/** @param rank of every value, where it is not the value itself */
function labelsOf(values: Float32Array, rank?: readonly number[]): Int32Array {
  return Int32Array.from(values, (value) =>
    Number.isNaN(value) ? -1 : rank ? (rank[value] as number) : value,
  );
}

const mostShownNames = 12;

/** Names of classes for a message. */
function shownNames(names: readonly string[]): string {
  return names.length <= mostShownNames
    ? names.join(", ")
    : `${names.slice(0, mostShownNames - 1).join(", ")}, ..., ${names.at(-1) ?? ""}`;
}
