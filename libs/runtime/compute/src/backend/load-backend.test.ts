import { describe, expect, it } from "vitest";
import { loadBackend } from "./load-backend.ts";

describe("the portable backends", () => {
  for (const name of ["wasm", "cpu"] as const) {
    it(`${name} computes a gradient, from source as from the bundle`, async () => {
      const { tf, determinismClass } = await loadBackend({ name });
      const gradient = tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, -2, 3]));
      expect([...(await gradient.data())]).toEqual([2, -4, 6]);
      expect(determinismClass.backend).toBe(name);
      expect(tf.getBackend()).toBe(name);
    });
  }
});
