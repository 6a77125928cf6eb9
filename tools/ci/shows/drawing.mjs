/** Shows 11: the drawing is the code's, and the walk of one gradient names files that are there, none twice. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

export const drawing = [
  {
    number: "11",
    title: "A drawing of the structure, and one gradient's way through it",
    bar: "drawn from the code, up to date; each file named is there, none twice",
    async run({ say }) {
      const { code, output } = await runCommand(["node", "tools/structure/draw.mjs", "--check"]);
      if (code !== 0) say(output.trim());
      const page = readFileSync(path.join(root, "docs/architecture.md"), "utf8");
      const walk = /^## One gradient.*?$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(page)?.[1] ?? "";
      const files = [...walk.matchAll(/`((?:apps|libs)\/[^`]+\.ts)`/g)].map(([, file]) => file);
      const missing = files.filter((file) => !existsSync(path.join(root, file)));
      const twice = files.filter((file, i) => files.indexOf(file) !== i);
      for (const file of files) say(file);
      return {
        figure: `${code === 0 ? "up to date" : "out of date"}; ${files.length} files named, ${missing.length} missing, ${twice.length} twice`,
        met: code === 0 && files.length > 0 && missing.length === 0 && twice.length === 0,
      };
    },
  },
];
