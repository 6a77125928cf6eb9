import { Option } from "commander";

/** --backend of a verb. `inBrowsers`: whether what it starts may also run in a browser */
export function backendOption({
  purpose = "how to compute; default: the best there is",
  inBrowsers = false,
}: { readonly purpose?: string; readonly inBrowsers?: boolean } = {}): Option {
  const choices = ["native", ...(inBrowsers ? ["webgpu"] : []), "wasm", "cpu"];
  return new Option("--backend <name>", purpose).choices(choices);
}
