/** Frames of the live page, with a caption under it. */
import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const size = { width: 960, height: 708 };
/** Pixels of the picture per pixel of the page: a README shows it at about the page's width, on sharp screens. */
const deviceScaleFactor = 1.5;

/** Where distributions put Chromium; LATENTWEAVE_CHROMIUM names another. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function openBrowser() {
  const executablePath = [process.env.LATENTWEAVE_CHROMIUM ?? "", ...places].find((place) =>
    existsSync(place),
  );
  if (executablePath === undefined)
    throw new Error("recording needs Chromium: apt-get install chromium, or set LATENTWEAVE_CHROMIUM");
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  // The stylesheet and the caption are ours, and the page's own policy would refuse them.
  const context = await browser.newContext({
    viewport: size,
    deviceScaleFactor,
    colorScheme: "light",
    reducedMotion: "reduce",
    bypassCSP: true,
  });
  return { browser, context };
}

/**
 * Opens the page at `url` and takes a frame every `frameMs` until `stop()`.
 * @returns {Promise<{ caption: (words: { text: string, tone?: string, prompt?: boolean }, aside?: string) => Promise<void>,
 *   frames: { png: Buffer, atMs: number }[], stop: () => Promise<void> }>}
 */
export async function film(context, url, frameMs) {
  const page = await context.newPage();
  await page.goto(url);
  await page.addStyleTag({ content: readFileSync(new URL("./film.css", import.meta.url), "utf8") });
  const frames = [];
  let filming = true;
  const loop = (async () => {
    let nextMs = performance.now();
    while (filming) {
      const atMs = performance.now();
      frames.push({ png: await page.screenshot({ animations: "disabled", caret: "hide" }), atMs });
      nextMs = Math.max(nextMs + frameMs, performance.now());
      await new Promise((resolve) => setTimeout(resolve, nextMs - performance.now()));
    }
  })();
  return {
    frames,
    async caption({ text, tone = "plain", prompt = false }, aside = "") {
      await page.evaluate(
        (given) => {
          let bar = document.getElementById("film-caption");
          if (!bar) {
            bar = document.createElement("div");
            bar.id = "film-caption";
            for (const name of ["words", "aside"])
              bar.appendChild(document.createElement("span")).className = name;
            document.body.append(bar);
          }
          bar.dataset.tone = given.tone;
          const words = bar.querySelector(".words");
          words.textContent = given.text;
          if (given.prompt) {
            const sign = document.createElement("span");
            sign.className = "prompt";
            sign.textContent = "$ ";
            words.prepend(sign);
          }
          bar.querySelector(".aside").textContent = given.aside;
        },
        { text, tone, prompt, aside },
      );
    },
    async stop() {
      filming = false;
      await loop;
      await page.close();
    },
  };
}

/** A picture of a page given as HTML. */
export async function pictureOf(context, html) {
  const page = await context.newPage();
  await page.setContent(html);
  const png = await page.screenshot();
  await page.close();
  return png;
}
