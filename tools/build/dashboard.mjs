/**
 * The dashboard as one page without outside references: the <link> to ./style.css and the <script> of ./main.ts in
 * apps/dashboard/src/index.html are replaced by what they name, bundled.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const styleLink = /<link[^>]+href="(?:\.\/)?style\.css"[^>]*>/;
const scriptTag = /<script[^>]+src="(?:\.\/)?main\.ts"[^>]*>\s*<\/script>/;

/** @param {string} root @returns {Promise<string>} */
export async function buildDashboard(root) {
  const folder = path.join(root, "apps/dashboard/src");
  const html = readFileSync(path.join(folder, "index.html"), "utf8");
  const shared = {
    bundle: true,
    write: false,
    absWorkingDir: root,
    minify: true,
    outdir: folder,
    target: "es2022",
    conditions: ["latentweave-source"],
    loader: { ".svg": "dataurl", ".png": "dataurl" },
    logLevel: "silent",
    legalComments: "none",
  };
  const script = await build({
    ...shared,
    entryPoints: [path.join(folder, "main.ts")],
    format: "esm",
    platform: "browser",
  });
  let css = "";
  if (styleLink.test(html)) {
    const style = await build({ ...shared, entryPoints: [path.join(folder, "style.css")] });
    css = style.outputFiles[0].text;
  }
  let code = "";
  for (const file of script.outputFiles) {
    if (file.path.endsWith(".css")) css = file.text + css;
    else code += file.text;
  }
  if (!scriptTag.test(html)) throw new Error('apps/dashboard/src/index.html has no <script src="./main.ts">');
  // Functions as replacements: "$" in minified code must not be read as a pattern.
  return html
    .replace(styleLink, "")
    .replace("</head>", () => `<style>${css.replaceAll("</style", "<\\/style")}</style></head>`)
    .replace(scriptTag, () => `<script type="module">${code.replaceAll("</script", "<\\/script")}</script>`);
}
