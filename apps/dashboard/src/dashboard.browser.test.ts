import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { launchBrowser } from "./testing/browser.ts";
import {
  backAt,
  killedAt,
  scriptedPoint,
  scriptedPoints,
  scriptedSnapshot,
  workerCalled,
} from "./testing/scripted-run.ts";
import { buildPage, type ScriptedCoordinator, serve } from "./testing/serve.ts";

const pictures = fileURLToPath(new URL("../../../.reports/dashboard/", import.meta.url));
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

let browser: Browser;
let html: string;
let problems: string[];

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  html = await buildPage();
  browser = await launchBrowser();
}, 120_000);
afterAll(() => browser.close());
beforeEach(() => {
  problems = [];
});

async function start(step: number, options: { token?: string } = {}): Promise<ScriptedCoordinator> {
  const coordinator = await serve(html, scriptedSnapshot(step), scriptedPoints(step), options);
  onTestFinished(() => coordinator.stop().catch(() => undefined));
  return coordinator;
}

async function open(url: string, viewport = desktop, colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 2 });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    const ours = message.text().includes("willReadFrequently"); // pixelsOf reads the canvas, the page never does
    if (!ours && ["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) problems.push(`request to ${origin}`);
  });
  await page.goto(url);
  return page;
}

/** How many pixels of a chart have about this colour. */
async function pixelsOf(page: Page, chart: string, variable: string): Promise<number> {
  return page.evaluate(
    ([selector, name]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`${selector} canvas`);
      const context = canvas?.getContext("2d");
      if (!canvas || !context) return 0;
      const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (
          (data[at + 3] ?? 0) > 200 &&
          wanted.every((value, i) => Math.abs((data[at + i] ?? 0) - value) < 24)
        )
          count++;
      return count;
    },
    [chart, variable] as const,
  );
}

describe("the live page", () => {
  it("shows state, progress, figures, tasks, workers and events of a running run", async () => {
    const { url } = await start(120);
    const page = await open(url);
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await page.locator("#state").textContent()).toBe("running");
    expect(await page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("120");
    expect(await page.locator("#eta").textContent()).toMatch(/left$/);
    expect(await page.getByRole("article").count()).toBe(2);
    expect(await page.locator("#workers tr").count()).toBe(2);
    expect(await page.locator("#workers tr").first().innerText()).toMatch(/worker-1[^]*active[^]*0/);
    expect(await page.locator(".thread").first().getAttribute("aria-label")).toBe("digits: slots 0–3");
    expect(await page.locator("#events li").count()).toBe(3);
    expect(await page.title()).toContain("30 %");
    expect(problems).toEqual([]);
  });

  it("draws a curve for each task, and goes on drawing as commits come", async () => {
    const coordinator = await start(20);
    const page = await open(coordinator.url);
    await page.locator("#loss-chart canvas").waitFor();
    for (const colour of ["--task-0", "--task-1"])
      expect(await pixelsOf(page, "#loss-chart", colour)).toBeGreaterThan(300);
    for (let step = 20; step < 200; step++) coordinator.send({ kind: "commit", point: scriptedPoint(step) });
    await page.locator("#step", { hasText: "200" }).waitFor();
    expect(await page.locator("#loss-words").textContent()).toContain("At step 199");
    await expect.poll(() => pixelsOf(page, "#loss-chart", "--bad")).toBeGreaterThan(100); // a worker went
    expect(problems).toEqual([]);
  });

  it("follows workers, state and events through the stream without a reload", async () => {
    const coordinator = await start(60);
    const page = await open(coordinator.url);
    await page.getByText("Live", { exact: true }).waitFor();
    const running = scriptedSnapshot(60);
    coordinator.snapshot = {
      ...running,
      workers: [...running.workers, workerCalled("gpu-7", { rank: 2, host: "far" })],
    };
    coordinator.send({ kind: "snapshot", snapshot: coordinator.snapshot });
    await page.locator("#workers tr", { hasText: "gpu-7" }).waitFor();
    coordinator.send({
      kind: "event",
      event: { atMs: 0, level: "warning", text: "the disk is nearly full" },
    });
    await page.locator("#events li[data-level=warning]", { hasText: "nearly full" }).waitFor();
    coordinator.snapshot = scriptedSnapshot(400, "finished");
    coordinator.send({ kind: "snapshot", snapshot: coordinator.snapshot });
    await page.locator("#state[data-state=finished]").waitFor();
    expect(await page.locator("#hash").textContent()).toBe(coordinator.snapshot.hash);
    await page.screenshot({ path: path.join(pictures, "finished.png") });
    expect(problems).toEqual([]);
  });

  it("says why a run failed", async () => {
    const coordinator = await start(60);
    coordinator.snapshot = { ...scriptedSnapshot(60, "failed"), reason: "the disk is full" };
    const page = await open(coordinator.url);
    await page.getByRole("alert").filter({ hasText: "the disk is full" }).waitFor();
    expect(problems).toEqual([]);
  });

  it("says that the coordinator is gone, and goes on by itself when it is back", async () => {
    const coordinator = await start(60);
    const page = await open(coordinator.url);
    await page.getByText("Live", { exact: true }).waitFor();
    await coordinator.stop();
    await page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor();
    expect(await page.locator("#step").textContent()).toBe("60");
    const successor = await serve(html, scriptedSnapshot(90), scriptedPoints(90), { port: coordinator.port });
    onTestFinished(() => successor.stop());
    await page.locator("#step", { hasText: "90" }).waitFor({ timeout: 120_000 });
    await page.getByRole("alert").waitFor({ state: "hidden" });
    expect(problems.filter((problem) => !problem.includes("net::ERR_"))).toEqual([]);
  });

  it("keeps the last word of a finished run whose coordinator has closed", async () => {
    const coordinator = await start(400);
    coordinator.snapshot = scriptedSnapshot(400, "finished");
    const page = await open(coordinator.url);
    await page.locator("#state[data-state=finished]").waitFor();
    await coordinator.stop();
    await page.getByText("its coordinator has closed").waitFor({ timeout: 120_000 });
    expect(await page.locator("#link-text").textContent()).toBe("Closed");
  });

  it("passes the token on, and says what to do without it", async () => {
    const coordinator = await start(30, { token: "s3cret" });
    const page = await open(coordinator.url);
    await page.getByText("Live", { exact: true }).waitFor();
    const stranger = await open(coordinator.url.replace(/\?.*/, ""));
    await stranger.getByRole("alert").filter({ hasText: "token is missing or wrong" }).waitFor();
  });

  it("waits calmly before the first worker and the first step", async () => {
    const coordinator = await start(0);
    coordinator.snapshot = {
      ...scriptedSnapshot(0, "waiting"),
      workers: [],
      samplesPerSecond: 0,
      stepMs: 0,
      etaMs: null,
    };
    const page = await open(coordinator.url);
    await page.getByText("No worker has joined yet.").waitFor();
    await page.getByText("The first step is still being computed.").waitFor();
    expect(problems).toEqual([]);
  });

  it("switches the loss to a logarithmic scale by keyboard", async () => {
    const { url } = await start(120);
    const page = await open(url);
    await page.locator("#loss-chart canvas").waitFor();
    await page.getByRole("button", { name: "Log scale" }).press("Enter");
    expect(await page.getByRole("button", { name: "Log scale" }).getAttribute("aria-pressed")).toBe("true");
    await expect.poll(() => pixelsOf(page, "#loss-chart", "--task-0")).toBeGreaterThan(300);
    expect(problems).toEqual([]);
  });

  it.each([
    ["desktop-light", desktop, "light"],
    ["desktop-dark", desktop, "dark"],
    ["phone-light", phone, "light"],
    ["phone-dark", phone, "dark"],
  ] as const)("fits its window without sideways scrolling: %s", async (name, viewport, scheme) => {
    const { url } = await start(backAt + 75);
    const page = await open(url, viewport, scheme);
    await page.locator("#loss-chart canvas").waitFor();
    await page.waitForTimeout(300); // one more drawing for the picture
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
    await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
    expect(problems).toEqual([]);
    expect(killedAt).toBeLessThan(backAt);
  });
});
