/** PyTorch in a virtual environment of its own, in the cache: nothing of the user's Python is touched. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** As cacheDirectory() of libs/foundation/protocol, which is TypeScript and not built for tools. */
function cacheDirectory(env = process.env) {
  if (env.LATENTWEAVE_CACHE) return path.resolve(env.LATENTWEAVE_CACHE);
  return path.join(env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "latentweave");
}

const packages = ["torch", "numpy"];

/**
 * Finds or installs PyTorch.
 * @param asked a Python to use as it is, from --python
 * @returns {Promise<{ python: string, torch: string } | { missing: string }>} `missing`: why not, and how to get it
 */
export async function setUpPyTorch({ asked, log }) {
  if (asked !== undefined) {
    const torch = versionIn(asked);
    return torch === undefined
      ? {
          missing: `${asked} cannot import torch and numpy: \`${asked} -m pip install ${packages.join(" ")}\``,
        }
      : { python: asked, torch };
  }
  const folder = path.join(cacheDirectory(), "bench", "pytorch");
  const python = path.join(folder, "bin", "python");
  const before = existsSync(python) ? versionIn(python) : undefined;
  if (before !== undefined) return { python, torch: before };

  const host = ["python3", "python"].find((name) => succeeds(name, ["-m", "venv", "--help"]));
  if (host === undefined)
    return {
      missing:
        "there is no Python 3 with venv: on Debian `apt install python3-venv`, on macOS `brew install python`",
    };
  log(`PyTorch, to compare with: pip install ${packages.join(" ")} into ${folder}`);
  log(
    process.platform === "linux"
      ? "  once; pip's default for Linux brings CUDA's libraries along: 5.4 GB on disk, and minutes (160 s where this was written)"
      : "  once; some hundred MB, a minute or two",
  );
  log("  to do without it: --no-pytorch; to use a Python that has it: --python PATH");
  mkdirSync(folder, { recursive: true });
  const failed =
    (await carryOut(host, ["-m", "venv", folder], log)) ??
    (await carryOut(
      python,
      ["-m", "pip", "install", "--no-input", "--progress-bar", "off", ...packages],
      log,
    ));
  const torch = failed === undefined ? versionIn(python) : undefined;
  if (torch !== undefined) return { python, torch };
  return {
    missing:
      `${failed ?? "what pip installed cannot be imported"}\n` +
      `  by hand: ${host} -m venv ${folder} && ${python} -m pip install ${packages.join(" ")}`,
  };
}

function versionIn(python) {
  const asked = spawnSync(python, ["-c", "import numpy, torch; print(torch.__version__)"], {
    encoding: "utf8",
  });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Passes on one line per package; undefined when it went well, else what the command said last. */
function carryOut(command, args, log) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stderr.on("data", (chunk) => (text += chunk));
    child.stdout.on("data", (chunk) => {
      text += chunk;
      for (const line of String(chunk).split("\n"))
        if (/^\s*(Downloading|Installing|Using cached)/.test(line)) log(`  ${line.trim()}`);
    });
    child.once("error", (error) => resolve(`${command}: ${error.message}`));
    child.once("close", (code) =>
      resolve(
        code === 0
          ? undefined
          : `${command} ${args.slice(0, 3).join(" ")} failed: ${text.trim().split("\n").at(-1)}`,
      ),
    );
  });
}
