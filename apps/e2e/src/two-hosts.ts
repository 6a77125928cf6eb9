import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Two network namespaces joined by a cable: two hosts as far as sockets are concerned. Needs root and iproute2. */
export interface TwoHosts {
  /** Prefix of a command line that runs on that host. */
  readonly on: { readonly a: readonly string[]; readonly b: readonly string[] };
  readonly address: { readonly a: string; readonly b: string };
  /** A cache for host b that shares nothing with ours but the native runtime: its data caches are cold. */
  readonly cacheOfB: string;
  /** Starts an ssh server on b; @returns the value for LATENTWEAVE_SSH_COMMAND, with which host `b` is reached. */
  startSsh(): Promise<string>;
  down(): Promise<void>;
}

export async function createTwoHosts(cacheDirectory: string): Promise<TwoHosts> {
  const tag = `lw${process.pid}`;
  const [a, b] = [`${tag}a`, `${tag}b`];
  // A range of its own, so that two test runs on one machine do not meet.
  const net = `10.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
  const address = { a: `${net}.1`, b: `${net}.2` };
  await run("ip", ["netns", "add", a]);
  await run("ip", ["netns", "add", b]);
  await run("ip", [
    "link",
    "add",
    `${tag}va`,
    "netns",
    a,
    "type",
    "veth",
    "peer",
    "name",
    `${tag}vb`,
    "netns",
    b,
  ]);
  for (const [host, cable, own] of [
    [a, `${tag}va`, address.a],
    [b, `${tag}vb`, address.b],
  ] as const) {
    await run("ip", ["-n", host, "addr", "add", `${own}/24`, "dev", cable]);
    await run("ip", ["-n", host, "link", "set", "lo", "up"]);
    await run("ip", ["-n", host, "link", "set", cable, "up"]);
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "latentweave-hosts-"));
  const cacheOfB = path.join(folder, "cache");
  await mkdir(cacheOfB);
  await symlink(path.join(cacheDirectory, "native"), path.join(cacheOfB, "native"));
  let sshPid: number | undefined;
  return {
    on: { a: ["ip", "netns", "exec", a], b: ["ip", "netns", "exec", b] },
    address,
    cacheOfB,
    async startSsh() {
      const file = (name: string): string => path.join(folder, name);
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("key")]);
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("host")]);
      await writeFile(file("authorized"), await readFile(file("key.pub")), { mode: 0o600 });
      await writeFile(
        file("sshd_config"),
        [
          "Port 2222",
          `ListenAddress ${address.b}`,
          `HostKey ${file("host")}`,
          `AuthorizedKeysFile ${file("authorized")}`,
          `PidFile ${file("sshd.pid")}`,
          "PermitRootLogin yes",
          "StrictModes no",
          "UsePAM no",
        ].join("\n") + "\n",
      );
      await writeFile(
        file("ssh_config"),
        [
          "Host b",
          `  HostName ${address.b}`,
          "  Port 2222",
          "  User root",
          `  IdentityFile ${file("key")}`,
          "  UserKnownHostsFile /dev/null",
          "  StrictHostKeyChecking no",
          "  LogLevel ERROR",
        ].join("\n") + "\n",
      );
      await mkdir("/run/sshd", { recursive: true });
      await run("ip", ["netns", "exec", b, "/usr/sbin/sshd", "-f", file("sshd_config")]);
      sshPid = Number(await readPid(file("sshd.pid")));
      return `ssh -F ${file("ssh_config")}`;
    },
    async down() {
      if (sshPid !== undefined) process.kill(sshPid, "SIGTERM");
      await run("ip", ["netns", "del", a]);
      await run("ip", ["netns", "del", b]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The server writes its pid once it listens. */
async function readPid(file: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.trim() !== "") return text.trim();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the ssh server did not start");
}
