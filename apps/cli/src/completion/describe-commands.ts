import type { Command } from "commander";

/** A verb as completion needs it. */
export interface CommandDescription {
  /** Words after `latentweave`: ["data", "list"]. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly flags: readonly FlagDescription[];
  /** What its first argument is completed with. */
  readonly argument: "runs" | "files" | "none" | readonly string[];
}

export interface FlagDescription {
  readonly long: string;
  readonly short: string | undefined;
  readonly summary: string;
  /** What the flag's value is completed with; undefined: it takes none. */
  readonly value: "files" | "any" | readonly string[] | undefined;
}

/** The tree of verbs, flattened: what a script for any shell is made from. */
export function describeCommands(program: Command): readonly CommandDescription[] {
  const visible = program.createHelp().visibleCommands(program);
  return program.commands
    .filter((command) => visible.includes(command))
    .flatMap((command) => describe(command, []));
}

function describe(command: Command, before: readonly string[]): CommandDescription[] {
  const words = [...before, command.name()];
  const help = command.createHelp();
  const flags = help.visibleOptions(command).map((option): FlagDescription => ({
    long: option.long ?? option.flags,
    short: option.short,
    summary: option.description,
    value: !(option.required || option.optional)
      ? undefined
      : (option.argChoices ?? (/[<[](dir|file|path)[\]>]/.test(option.flags) ? "files" : "any")),
  }));
  const own: CommandDescription = {
    words,
    summary: command.summary() || command.description(),
    flags,
    argument: argumentOf(command),
  };
  return [own, ...command.commands.flatMap((child) => describe(child, words))];
}

function argumentOf(command: Command): CommandDescription["argument"] {
  if (command.commands.length > 0) return command.commands.map((child) => child.name());
  const [first] = command.registeredArguments;
  if (!first) return "none";
  if (first.argChoices) return first.argChoices;
  return /^(run|runs|a|sides)$/.test(first.name()) ? "runs" : "files";
}
