import { runCommand } from "./run-command.ts";

/** A way to call pip: the command and the arguments that come before pip's own. */
export interface PipCommand {
  readonly command: string;
  readonly before: readonly string[];
  readonly version: string;
}

export interface Compiler {
  readonly command: string;
  readonly version: string;
}

async function firstThatRuns<T>(
  candidates: readonly (readonly string[])[],
  versionArgs: readonly string[],
  env: NodeJS.ProcessEnv,
  make: (command: string, before: readonly string[], version: string) => T,
): Promise<T | null> {
  for (const [command, ...before] of candidates) {
    if (command === undefined) continue;
    const result = await runCommand(command, [...before, ...versionArgs], { timeoutMs: 60_000, env });
    if (result.kind === "done") return make(command, before, result.output.trim().split("\n")[0] ?? "");
  }
  return null;
}

/**
 * pip in any of its forms. `uv tool run pip` comes last: it fetches pip (and, if need be, Python) by itself.
 * PYTHON names an interpreter to try first.
 */
export async function findPip(env: NodeJS.ProcessEnv = process.env): Promise<PipCommand | null> {
  const candidates = [
    ...(env.PYTHON ? [[env.PYTHON, "-m", "pip"]] : []),
    ["python3", "-m", "pip"],
    ["pip3"],
    ["pip"],
    ["python", "-m", "pip"],
    ["uv", "tool", "run", "--quiet", "pip"],
  ];
  return await firstThatRuns(candidates, ["--version"], env, (command, before, version) => ({
    command,
    before,
    version,
  }));
}

/** A C++17 compiler: CXX where set, else the usual names. */
export async function findCompiler(env: NodeJS.ProcessEnv = process.env): Promise<Compiler | null> {
  const candidates = [...(env.CXX ? [[env.CXX]] : []), ["g++"], ["clang++"], ["c++"]];
  return await firstThatRuns(candidates, ["--version"], env, (command, _before, version) => ({
    command,
    version,
  }));
}

/** npm's version, or null where there is none. */
export async function findNpm(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  return await firstThatRuns([["npm"]], ["--version"], env, (_command, _before, version) => version);
}

/** What to type to get what is missing, for the kind of system this is; an empty list when nothing is. */
export function installAdvice(missing: { readonly pip: boolean; readonly compiler: boolean }): string[] {
  if (!missing.pip && !missing.compiler) return [];
  const debian = [...(missing.pip ? ["python3-pip"] : []), ...(missing.compiler ? ["g++"] : [])].join(" ");
  const fedora = [...(missing.pip ? ["python3-pip"] : []), ...(missing.compiler ? ["gcc-c++"] : [])].join(
    " ",
  );
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  if (process.platform === "darwin") {
    return [
      ...(missing.compiler ? ["xcode-select --install"] : []),
      ...(missing.pip ? ["brew install python"] : []),
    ];
  }
  return [
    `Debian, Ubuntu: ${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${debian}`,
    `Fedora, RHEL:   ${sudo}dnf install -y ${fedora}`,
  ];
}
