import uPlot from "uplot";
import type { CommitPoint } from "@latentweave/telemetry";
import { type Column, lossCurves, type MembershipChange, membershipChanges, speedCurve } from "./curves.ts";
import { byId, element, keyed, setText, taskColour } from "./dom.ts";
import { measured, short, whole } from "./format.ts";

/** Both charts of the page. They are drawn anew when the tasks, the scale or the colour scheme change, else only fed. */
export interface Charts {
  show(points: readonly CommitPoint[], tasks: readonly string[]): void;
}

const smoothWidth = 2;
const axisWidth = 52;

export function createCharts(): Charts {
  let points: readonly CommitPoint[] = [];
  let tasks: readonly string[] = [];
  let logarithmic = false;
  let changes: readonly MembershipChange[] = [];
  let loss: uPlot | undefined;
  let speed: uPlot | undefined;

  const lossData = (): uPlot.AlignedData => {
    const curves = lossCurves(points, tasks);
    const columns = tasks.flatMap((_, index) => [
      curves.training[index] as Column,
      curves.smoothed[index] as Column,
      curves.evaluation[index] as Column,
    ]);
    return [curves.steps, ...columns] as uPlot.AlignedData;
  };
  const speedData = (): uPlot.AlignedData => {
    const { steps, speed: values } = speedCurve(points);
    return [steps, values] as uPlot.AlignedData;
  };

  const rebuild = (): void => {
    loss?.destroy();
    speed?.destroy();
    const lossBox = byId("loss-chart");
    loss = new uPlot(
      {
        ...frame(lossBox),
        scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
        axes: [axis(whole), axis(measured, axisWidth)],
        series: [{}, ...tasks.flatMap((_, index) => taskSeries(index))],
        hooks: {
          draw: [(plot: uPlot) => drawMembership(plot, changes, "top")],
          setCursor: [(plot: uPlot) => showLegend(tasks, points, plot.cursor.idx ?? null)],
        },
      },
      lossData(),
      lossBox,
    );
    const speedBox = byId("speed-chart");
    speed = new uPlot(
      {
        ...frame(speedBox),
        scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, (max || 1) * 1.1] } },
        axes: [axis(whole), axis(short, axisWidth)],
        series: [
          {},
          {
            stroke: colour("--accent"),
            width: smoothWidth,
            fill: colour("--accent-soft"),
            points: { show: false },
          },
        ],
        hooks: { draw: [(plot: uPlot) => drawMembership(plot, changes, "bottom")] },
      },
      speedData(),
      speedBox,
    );
  };

  const scale = byId("scale");
  scale.addEventListener("click", () => {
    logarithmic = !logarithmic;
    scale.setAttribute("aria-pressed", String(logarithmic));
    rebuild();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  new ResizeObserver(() => {
    loss?.setSize(sizeOf(byId("loss-chart")));
    speed?.setSize(sizeOf(byId("speed-chart")));
  }).observe(byId("main"));

  return {
    show(nextPoints, nextTasks) {
      const sameTasks = nextTasks.join("\n") === tasks.join("\n");
      points = nextPoints;
      tasks = nextTasks;
      changes = membershipChanges(points);
      byId("loss-empty").hidden = points.length > 0;
      if (points.length === 0) return;
      if (!loss || !speed || !sameTasks) rebuild();
      else {
        loss.setData(lossData());
        speed.setData(speedData());
      }
      showLegend(tasks, points, loss?.cursor.idx ?? null);
    },
  };
}

function taskSeries(index: number): uPlot.Series[] {
  const stroke = colour(taskColour(index));
  return [
    { stroke, width: 1, alpha: 0.22, points: { show: false }, spanGaps: true },
    { stroke, width: smoothWidth, points: { show: false }, spanGaps: true },
    {
      stroke,
      width: 1.5,
      dash: [5, 5],
      spanGaps: true,
      points: { show: true, size: 7, width: 2, fill: colour("--surface") },
    },
  ];
}

function frame(box: HTMLElement): Pick<uPlot.Options, "width" | "height" | "legend" | "cursor" | "padding"> {
  return {
    ...sizeOf(box),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [12, 8, 0, 0],
  };
}

function sizeOf(box: HTMLElement): { width: number; height: number } {
  return { width: Math.max(120, box.clientWidth), height: Math.max(80, box.clientHeight) };
}

function axis(format: (value: number) => string, size = 30): uPlot.Axis {
  return {
    stroke: colour("--muted"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
    size,
    gap: 6,
    values: (_plot, ticks) => ticks.map((value) => (Number.isFinite(value) ? trimmed(format(value)) : "")),
  };
}

/** Axis labels need no trailing zeros. */
function trimmed(text: string): string {
  return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A dashed line where workers came or went, with how many there were then. */
function drawMembership(plot: uPlot, changes: readonly MembershipChange[], labels: "top" | "bottom"): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.textAlign = "left"; // uPlot leaves its own settings behind
  ctx.textBaseline = labels;
  const labelY = labels === "top" ? bbox.top + 2 * ratio : bbox.top + bbox.height - 4 * ratio;
  let free = bbox.left;
  for (const { step, from, to } of changes) {
    const x = Math.round(plot.valToPos(step, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(to < from ? "--bad" : "--muted");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const words = `${to} worker${to === 1 ? "" : "s"}`;
    const width = ctx.measureText(words).width + 8 * ratio;
    const left = x + width > bbox.left + bbox.width ? x - width : x + 5 * ratio;
    if (left < free) continue; // the label would lie on the one before it
    ctx.fillText(words, left, labelY);
    free = left + width;
  }
  ctx.restore();
}

/** Values under the pointer, or the newest ones; the same in words for those who cannot see the chart. */
function showLegend(tasks: readonly string[], points: readonly CommitPoint[], index: number | null): void {
  const entries = tasks.map((task, place) => {
    const at = index === null ? points : points.slice(0, index + 1);
    const training = at.findLast((point) => point.loss[task] !== undefined)?.loss[task];
    const evaluation = at.findLast((point) => point.evaluation[task] !== undefined)?.evaluation[task]?.loss;
    return { task, place, training: measured(training), evaluation: measured(evaluation) };
  });
  keyed(
    byId("legend"),
    entries,
    ({ task }) => task,
    ({ task, place }) => {
      const item = element("li");
      item.style.setProperty("--colour", `var(${taskColour(place)})`);
      const [line, dash] = [element("span", "swatch"), element("span", "swatch dashed")];
      item.append(
        element("span", "legend-name", task),
        line,
        element("span", "value training"),
        dash,
        element("span", "value evaluation"),
      );
      return item;
    },
    (item, { training, evaluation }) => {
      setText(item.querySelector(".training") as Element, `training ${training}`);
      setText(item.querySelector(".evaluation") as Element, `evaluation ${evaluation}`);
      const hidden = evaluation === "–";
      (item.querySelector(".evaluation") as HTMLElement).hidden = hidden;
      (item.querySelector(".dashed") as HTMLElement).hidden = hidden;
    },
  );
  const step = (index === null ? points.at(-1) : points[index])?.step;
  const words = entries.map(
    ({ task, training, evaluation }) => `${task}: training ${training}, evaluation ${evaluation}`,
  );
  setText(byId("loss-words"), `At step ${step ?? 0}. ${words.join(". ")}.`);
}
