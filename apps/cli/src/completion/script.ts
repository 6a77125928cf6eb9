import type { CommandDescription, FlagDescription } from "./describe-commands.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A completion script for a shell. Runs are completed from the folder `runs`, or the one that LATENTWEAVE_RUNS names. */
export function completionScript(shell: Shell, commands: readonly CommandDescription[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
  }
}

const verbsOf = (commands: readonly CommandDescription[]): readonly CommandDescription[] =>
  commands.filter(({ words }) => words.length === 1);

/** Those that have verbs of their own. */
const outerVerbs = (commands: readonly CommandDescription[]): readonly string[] => [
  ...new Set(
    commands.flatMap(({ words: [verb], words }) => (verb !== undefined && words.length > 1 ? [verb] : [])),
  ),
];

function bash(commands: readonly CommandDescription[]): string {
  const cases = commands.map(({ words, flags, argument }) => {
    const names = flags.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short]));
    return `    "${words.join(" ")}") flags="${names.join(" ")}"; words=${bashWords(argument)} ;;`;
  });
  const values = commands
    .flatMap(({ flags }) => flags)
    .filter(({ value }) => value !== undefined && value !== "any")
    .map((flag) => `    ${flag.long}) words=${bashValue(flag)}; flags="" ;;`);
  return `# bash completion for latentweave
_latentweave() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" verb="" word flags="" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    case "$verb" in "") verb="$word" ;; ${outerVerbs(commands).join("|")}) verb="$verb $word"; break ;; *) break ;; esac
  done
  case "$verb" in
    "") words="${verbsOf(commands)
      .map(({ words }) => words[0])
      .join(" ")}"; flags="--help --version" ;;
${cases.join("\n")}
  esac
  case "$previous" in
${[...new Set(values)].join("\n")}
  esac
  if [ "$words" = FILES ]; then
    COMPREPLY=($(compgen -f -- "$current") $(compgen -W "$flags" -- "$current"))
  else
    [ "$words" = RUNS ] && words="$(ls "\${LATENTWEAVE_RUNS:-runs}" 2>/dev/null)"
    COMPREPLY=($(compgen -W "$words $flags" -- "$current"))
  fi
}
complete -o filenames -F _latentweave latentweave
`;
}

function bashWords(argument: CommandDescription["argument"]): string {
  if (argument === "runs") return "RUNS";
  if (argument === "files") return "FILES";
  return argument === "none" ? '""' : `"${argument.join(" ")}"`;
}

function bashValue({ value }: FlagDescription): string {
  return value === "files" ? "FILES" : `"${typeof value === "string" ? "" : (value ?? []).join(" ")}"`;
}

function zsh(commands: readonly CommandDescription[]): string {
  const verbs = verbsOf(commands).map(({ words, summary }) => `    ${quote(`${words[0] ?? ""}:${summary}`)}`);
  const cases = verbsOf(commands).map(({ words, flags, argument }) => {
    // Flags of inner verbs are offered with the outer one: _arguments sees all words after it at once.
    const inner = commands.filter((other) => other.words.length > 1 && other.words[0] === words[0]);
    const known = new Map(
      [...inner.flatMap((other) => other.flags), ...flags].map((flag) => [flag.long, flag]),
    );
    const takesFiles = inner.some((other) => other.argument === "files") ? zshArgument("files") : "";
    const specs = [...[...known.values()].map(zshFlag), zshArgument(argument), takesFiles].filter(
      (spec) => spec !== "",
    );
    return `        ${words[0] ?? ""}) _arguments -s ${specs.map(quote).join(" ")} ;;`;
  });
  return `#compdef latentweave
_latentweave_runs() { local -a runs; runs=(\${LATENTWEAVE_RUNS:-runs}/*(N:t)); compadd -a runs }
_latentweave() {
  local -a verbs
  verbs=(
${verbs.join("\n")}
  )
  _arguments -C '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $words[1] in
${cases.join("\n")}
      esac ;;
  esac
}
compdef _latentweave latentweave
`;
}

function zshFlag({ long, summary, value }: FlagDescription): string {
  const text = `${long}[${summary.replace(/[[\]:]/g, " ")}]`;
  if (value === undefined) return text;
  if (value === "files") return `${text}:path:_files`;
  return value === "any" ? `${text}:value:` : `${text}:value:(${value.join(" ")})`;
}

function zshArgument(argument: CommandDescription["argument"]): string {
  if (argument === "runs") return "*:run:_latentweave_runs";
  if (argument === "files") return "*:file:_files";
  return argument === "none" ? "" : `1:word:(${argument.join(" ")})`;
}

function fish(commands: readonly CommandDescription[]): string {
  const lines = ["# fish completion for latentweave", "complete -c latentweave -f"];
  for (const { words, summary, flags, argument } of commands) {
    const [verb = "", inner] = words;
    const within = `__fish_seen_subcommand_from ${verb}`;
    const first = inner === undefined ? "__fish_use_subcommand" : within;
    lines.push(`complete -c latentweave -n ${quote(first)} -a ${inner ?? verb} -d ${quote(summary)}`);
    const condition = inner === undefined ? within : `${within}; and __fish_seen_subcommand_from ${inner}`;
    for (const flag of flags) lines.push(fishFlag(flag, condition));
    if (argument === "runs")
      lines.push(
        `complete -c latentweave -n ${quote(condition)} -a '(ls (set -q LATENTWEAVE_RUNS; and echo $LATENTWEAVE_RUNS; or echo runs) 2>/dev/null)'`,
      );
    else if (argument === "files") lines.push(`complete -c latentweave -n ${quote(condition)} -F`);
    else if (argument !== "none" && inner === undefined && !outerVerbs(commands).includes(verb))
      lines.push(`complete -c latentweave -n ${quote(condition)} -a ${quote(argument.join(" "))}`);
  }
  return `${lines.join("\n")}\n`;
}

function fishFlag({ long, short, summary, value }: FlagDescription, condition: string): string {
  const parts = [`complete -c latentweave -n ${quote(condition)} -l ${long.replace(/^--/, "")}`];
  if (short !== undefined) parts.push(`-s ${short.replace(/^-/, "")}`);
  if (value === "files") parts.push("-r -F");
  else if (value === "any") parts.push("-x");
  else if (value !== undefined) parts.push(`-x -a ${quote(value.join(" "))}`);
  return [...parts, `-d ${quote(summary)}`].join(" ");
}

/** For all three shells: nothing is special inside single quotes but their end. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
