import { describe, expect, it } from "vitest";
import { applySettings } from "./apply-settings.ts";

describe("--set", () => {
  it("sets fields that are there and fields that are not, and leaves the job given untouched", () => {
    const job = {
      optimiser: { kind: "adam", learningRate: 1 },
      tasks: { a: { encoder: [{ units: 1 }, { units: 2 }] } },
    };
    const before = structuredClone(job);
    expect(
      applySettings(job, [
        "optimiser.learningRate=0.01",
        "tasks.a.encoder[1].units=64",
        "checkpoints.keep=3",
        "name=my run",
      ]),
    ).toEqual({
      optimiser: { kind: "adam", learningRate: 0.01 },
      tasks: { a: { encoder: [{ units: 1 }, { units: 64 }] } },
      checkpoints: { keep: 3 },
      name: "my run",
    });
    expect(job).toEqual(before);
  });

  it("reads values as JSON, and as text where they are none", () => {
    expect(applySettings({}, ["a=1e-3", "b=true", 'c=["x"]', "d=null", 'e="7"', "f=x=y", "g="])).toEqual({
      a: 0.001,
      b: true,
      c: ["x"],
      d: null,
      e: "7",
      f: "x=y",
      g: "",
    });
  });

  it("takes epochs back when steps are set, and the other way round", () => {
    expect(applySettings({ epochs: 3, seed: 1 }, ["steps=40"])).toEqual({ seed: 1, steps: 40 });
    expect(applySettings({ steps: 3 }, ["epochs=2"])).toEqual({ epochs: 2 });
  });

  it.each([
    ["seed", "path=value"],
    ["=3", "path=value"],
    ["a..b=3", "path=value"],
    ["name.first=3", 'would be a field of "job"'],
    ["list[2]=3", "0 to 1"],
    ["list.x=3", "0 to 1"],
  ])("refuses %s as wrong usage", (setting, text) => {
    const apply = (): unknown => applySettings({ name: "job", list: [1, 2] }, [setting]);
    expect(apply).toThrow(text);
    expect(apply).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
