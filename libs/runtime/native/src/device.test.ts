import { describe, expect, it } from "vitest";
import { parseDevice } from "./device.ts";

describe("the name of a device", () => {
  it("is a number, a UUID, or cpu", () => {
    expect(parseDevice("3")).toBe(3);
    expect(parseDevice("cpu")).toBe("cpu");
    expect(parseDevice("GPU-5b1f2c3d-aaaa-bbbb-cccc-0123456789ab")).toMatch(/^GPU-/);
    expect(parseDevice("MIG-5b1f2c3d-aaaa-bbbb-cccc-0123456789ab")).toMatch(/^MIG-/);
  });

  it.each(["", "gpu", "cuda:0", "-1", "1.5", "GPU-"])("is not %j", (text) => {
    expect(() => parseDevice(text)).toThrow(/names no device/);
  });
});
