import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heatMap } from "./heat-map.ts";
import { intervalChart } from "./interval-chart.ts";
import { lineChart, thinned } from "./line-chart.ts";
import { html } from "./markup.ts";
import { linearScale, logScale, scaleFor } from "./scale.ts";
import { scatter } from "./scatter.ts";

describe("markup", () => {
  it("escapes what is put into it, but never markup itself", () => {
    expect(html`<b title="${'"<'}">${"a & <script>"}${html`<i>${"x"}</i>`}${["1", "<"]}</b>`.markup).toBe(
      '<b title="&quot;&lt;">a &amp; &lt;script&gt;<i>x</i>1&lt;</b>',
    );
  });
});

describe("a scale", () => {
  it("has round ticks whose numbers can be told apart", () => {
    const scale = linearScale(0, 0.37);
    expect(scale.ticks.map((tick) => scale.text(tick))).toEqual(["0.0", "0.1", "0.2", "0.3"]);
    expect(linearScale(0, 1000).ticks).toEqual([0, 200, 400, 600, 800, 1000]);
  });

  it("keeps values inside and in order, whatever they are", () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 9 }), fc.boolean(), (values, mayBeLog) => {
        const scale = scaleFor(values, { mayBeLog });
        const shares = [...values].sort((a, b) => a - b).map((one) => scale.share(one));
        for (const share of shares) {
          expect(share).toBeGreaterThanOrEqual(-1e-6);
          expect(share).toBeLessThanOrEqual(1 + 1e-6);
        }
        expect([...shares].sort((a, b) => a - b)).toEqual(shares);
        expect(scale.ticks.length).toBeLessThan(40);
      }),
    );
  });

  it("is logarithmic where small values would lie on the axis", () => {
    expect(scaleFor([0.001, 0.7], { mayBeLog: true }).isLog).toBe(true);
    expect(scaleFor([0.2, 0.7], { mayBeLog: true }).isLog).toBe(false);
    expect(logScale(0.01, 1).ticks.map((tick) => logScale(0.01, 1).text(tick))).toEqual([
      "0.01",
      "0.02",
      "0.05",
      "0.1",
      "0.2",
      "0.5",
      "1",
    ]);
  });
});

describe("charts", () => {
  it("draw nothing of what is not a number, and are drawn where there is nothing", () => {
    const axes = { title: "t", xLabel: "step", yLabel: "loss" };
    const all = [
      lineChart({
        ...axes,
        lines: [
          {
            label: "a",
            colour: 0,
            points: [
              [0, 1],
              [1, Number.NaN],
              [2, 3],
            ],
          },
        ],
      }),
      lineChart({ ...axes, lines: [] }),
      scatter({ ...axes, groups: [] }),
      scatter({ ...axes, groups: [{ label: "one", points: [[1, 1]] }] }),
      heatMap({
        title: "h",
        rows: ["a"],
        columns: ["b"],
        values: [[null]],
        full: 1,
        text: String,
        rowLabel: "r",
        columnLabel: "c",
      }),
      intervalChart({
        title: "i",
        xLabel: "δ",
        rows: [{ group: "g", label: "l", colour: 0, mean: Number.NaN, interval: null }],
      }),
    ];
    for (const { markup } of all)
      expect(markup).not.toMatch(/(?:[xydr12]|points)="[^"]*(?:NaN|Infinity|undefined)/);
  });

  it("say in a heat map what is above and below 0, and what is not known", () => {
    const { markup } = heatMap({
      ...{ title: "h", rows: ["a", "b"], columns: ["a", "b"], rowLabel: "r", columnLabel: "c" },
      ...{
        values: [
          [null, 0.5],
          [-2, 0],
        ],
        full: 1,
        text: (value: number) => value.toFixed(1),
      },
    });
    expect(markup.match(/class="(?:above|below|unknown)"/g)).toEqual([
      'class="unknown"',
      'class="above"',
      'class="below"',
      'class="above"',
    ]);
    expect(markup).toContain('fill-opacity="0.500"');
    expect(markup).toContain('fill-opacity="1.000"');
  });

  it("level long series to means of stretches", () => {
    const points = Array.from({ length: 1000 }, (_, at) => [at, at % 2] as const);
    const short = thinned(points, 100);
    expect(short).toHaveLength(100);
    expect(short.every(([, y]) => y === 0.5)).toBe(true);
  });
});
