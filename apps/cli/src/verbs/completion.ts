import type { Command } from "commander";
import { Argument } from "commander";
import { examples } from "../command/shared-flags.ts";
import { completionScript, type Shell, shells } from "../completion/script.ts";
import { describeCommands } from "../completion/describe-commands.ts";

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .summary("completion for bash, zsh or fish")
    .description("Prints a script that completes verbs, flags and runs in your shell.")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText(
      "after",
      examples(
        ["completion bash > ~/.local/share/bash-completion/completions/latentweave", ""],
        ["completion zsh > ~/.zfunc/_latentweave", "with ~/.zfunc in $fpath"],
        ["completion fish > ~/.config/fish/completions/latentweave.fish", ""],
      ),
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, describeCommands(program)));
    });
}
