import { type ChildProcess, spawn } from "node:child_process";

const lastLines = 6;

/**
 * Runs a process to its end and gives what it wrote. Its standard input stays open as long as this process lives: what
 * reads it knows when nobody waits any more.
 * @throws Error with its last lines where it fails; the signal's reason where it was ended by that
 */
export async function runChild(
  command: string,
  args: readonly string[],
  { signal, env = {} }: { readonly signal: AbortSignal; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  const end = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", end, { once: true });
  try {
    const { code, stdout, stderr } = await outputOf(child);
    signal.throwIfAborted();
    if (code === 0) return stdout;
    const lines = `${stdout}${stderr}`.trim().split("\n").slice(-lastLines).join("\n  ");
    throw new Error(`it ended with ${code}:\n  ${lines}`);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function outputOf(
  child: ChildProcess,
): Promise<{ readonly code: number | string; readonly stdout: string; readonly stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "nothing", stdout, stderr }));
  });
}
