import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where distributions put Chromium; LATENTWEAVE_CHROMIUM names another. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launchBrowser(): Promise<Browser> {
  const executablePath = [process.env.LATENTWEAVE_CHROMIUM ?? "", ...places].find((place) =>
    existsSync(place),
  );
  if (executablePath === undefined)
    throw new Error("the browser tests need Chromium: apt-get install chromium, or set LATENTWEAVE_CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
