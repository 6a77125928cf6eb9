/**
 * The command line that starts a worker on another host. The token goes in by standard input, which stays open as the
 * worker's lifeline; the coordinator's address is the one that the host itself sees the ssh connection come from.
 */
export function sshCommand(options: {
  readonly host: string;
  readonly port: number;
  readonly workerId: string;
  readonly version: string;
  /** Run in place of `latentweave` there; a shell word or several. */
  readonly remoteCommand?: string;
  /** In place of `ssh`, words separated by blanks, as git's GIT_SSH_COMMAND. */
  readonly ssh?: string;
  readonly workerArgs: readonly string[];
}): { readonly command: string; readonly args: readonly string[] } {
  const found =
    options.remoteCommand ?? `$(command -v latentweave || echo npx --yes latentweave@${options.version})`;
  const args = ["--token-stdin", "--worker-id", options.workerId, ...options.workerArgs].map(quote).join(" ");
  const script = `exec ${found} join "http://\${SSH_CONNECTION%% *}:${options.port}" ${args}`;
  const [command = "ssh", ...sshArgs] = (options.ssh ?? "ssh").split(/\s+/).filter((word) => word !== "");
  return {
    command,
    args: [
      ...sshArgs,
      "-o",
      "BatchMode=yes",
      "-o",
      "ServerAliveInterval=15",
      options.host,
      `sh -c ${quote(script)}`,
    ],
  };
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
