import type { RunSnapshot } from "@latentweave/telemetry";
import { byId, element, keyed, setAttribute, setText } from "./dom.ts";
import { duration, measured, milliseconds, short, whole } from "./format.ts";
import { isOver, type Link, type Model } from "./model.ts";

/** The head of the page: what runs, how far it is, how it stands with the coordinator. */
export function showRun(model: Model): void {
  showLink(model.link, isOver(model.snapshot));
  const { snapshot } = model;
  showBanner(model);
  if (!snapshot) return;
  setText(byId("run-name"), snapshot.name);
  setText(byId("run-id"), snapshot.runId);
  document.title = title(snapshot);
  const state = byId("state");
  setText(state, snapshot.state);
  setAttribute(state, "data-state", snapshot.state);
  setText(byId("step"), whole(snapshot.step));
  setText(byId("total"), ` of ${whole(snapshot.totalSteps)} steps${phaseOf(snapshot)}`);
  setText(byId("eta"), remaining(snapshot));
  const progress = byId("progress");
  setAttribute(progress, "aria-valuemax", String(snapshot.totalSteps));
  setAttribute(progress, "aria-valuenow", String(snapshot.step));
  setAttribute(progress, "data-state", snapshot.state);
  byId("progress-bar").style.transform = `scaleX(${share(snapshot)})`;
  showFigures(snapshot);
  byId("hash-box").hidden = snapshot.hash === null;
  setText(byId("hash"), snapshot.hash ?? "");
}

function share({ step, totalSteps }: RunSnapshot): number {
  return totalSteps > 0 ? Math.min(1, step / totalSteps) : 0;
}

function title(snapshot: RunSnapshot): string {
  const how = snapshot.state === "running" ? `${Math.floor(share(snapshot) * 100)} %` : snapshot.state;
  return `${how} · ${snapshot.name} · Latentweave`;
}

function phaseOf({ phase }: RunSnapshot): string {
  return phase === "" || phase === "main" || phase === "train" ? "" : ` · ${phase}`;
}

function remaining(snapshot: RunSnapshot): string {
  const elapsed = duration(snapshot.elapsedMs);
  if (isOver(snapshot)) return `took ${elapsed}`;
  return snapshot.etaMs === null ? `${elapsed} so far` : `${duration(snapshot.etaMs)} left`;
}

function showFigures(snapshot: RunSnapshot): void {
  const active = snapshot.workers.filter((worker) => worker.state === "active").length;
  const figures: readonly (readonly [string, string])[] = [
    ["Samples/s", snapshot.samplesPerSecond > 0 ? short(snapshot.samplesPerSecond) : "–"],
    ["Time per step", milliseconds(snapshot.stepMs)],
    ["Active workers", String(active)],
    ["Shards", String(snapshot.shards)],
    ["Parameters", short(snapshot.parameters)],
    ["Learning rate", snapshot.learningRate > 0 ? measuredRate(snapshot.learningRate) : "–"],
    ...stalenessFigures(snapshot),
    ...(snapshot.sameBits === false ? ([["Same bits", "given up by the job"]] as const) : []),
  ];
  keyed(
    byId("figures"),
    figures,
    ([name]) => name,
    ([name]) => {
      const box = element("div");
      box.append(element("dt", "", name), element("dd"));
      return box;
    },
    (box, [, value]) => setText(box.querySelector("dd") as Element, value),
  );
}

/** Only of runs whose steps can be stale. */
function stalenessFigures({ staleness }: RunSnapshot): [string, string][] {
  if (!staleness) return [];
  const { mean, max, givenUp } = staleness;
  return [
    ["Staleness", `${mean.toFixed(1)}, at most ${max}`],
    ["Computed again", String(givenUp)],
  ];
}

/** 0.001 rather than 1.000e-3: people set rates by hand and look for what they typed. */
function measuredRate(rate: number): string {
  return rate >= 1e-4 ? String(Number(rate.toPrecision(3))) : measured(rate);
}

const linkTexts = {
  connecting: "Connecting",
  live: "Live",
  lost: "Not connected",
  refused: "Refused",
} as const;

function showLink(link: Link, over: boolean): void {
  const kind = link.kind === "lost" && over ? "closed" : link.kind;
  setText(byId("link-text"), kind === "closed" ? "Closed" : linkTexts[kind]);
  setAttribute(byId("link-dot"), "data-link", kind);
}

function showBanner({ link, snapshot }: Model): void {
  const [kind, text] = banner(link, snapshot);
  const box = byId("banner");
  setAttribute(box, "data-kind", kind);
  setText(box, text);
  box.hidden = text === "";
}

function banner(link: Link, snapshot: RunSnapshot | undefined): readonly ["error" | "quiet", string] {
  if (link.kind === "refused") return ["error", link.reason];
  if (snapshot?.state === "failed") return ["error", snapshot.reason ?? "The run failed."];
  const why =
    snapshot?.state === "interrupted" ? `Interrupted: ${snapshot.reason ?? "no reason given"}. ` : "";
  if (link.kind !== "lost") return ["quiet", why];
  if (isOver(snapshot))
    return ["quiet", `${why}The run is over and its coordinator has closed. This is its last word.`];
  return [
    "error",
    "The coordinator does not answer. Trying again by itself; what is shown is the last that it said.",
  ];
}
