import { beforeAll, describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { uniform } from "../testing/keyed.ts";
import { nativeBackend } from "../testing/native.ts";
import { hasOneDnnProduct, useNativeMatrixProduct } from "./native-operations.ts";

let native: LoadedBackend;
beforeAll(async () => {
  native = await nativeBackend();
});

describe("the native product of matrices", () => {
  it("equals the stock product for every way of transposing, and leaves batches of matrices alone", () => {
    const { tf } = native;
    const a = tf.tensor2d(uniform(12, -1, 1, "a"), [3, 4]);
    const b = tf.tensor2d(uniform(20, -1, 1, "b"), [4, 5]);
    const batches = tf.stack([tf.transpose(a), tf.transpose(a)]);
    const products = (): Float32Array[] =>
      [
        tf.matMul(a, b),
        tf.matMul(tf.transpose(a), b, true, false),
        tf.matMul(a, tf.transpose(b), false, true),
        tf.matMul(tf.transpose(a), tf.transpose(b), true, true),
        tf.matMul(batches as never, tf.stack([b, b]) as never, true, false),
      ].map((product) => product.dataSync<"float32">());
    const stock = products();
    useNativeMatrixProduct(tf);
    useNativeMatrixProduct(tf);
    const ours = products();
    // On x64 this is what is shipped, and the class of a run says so.
    expect(hasOneDnnProduct(tf)).toBe(process.arch === "x64" && native.determinismClass.device === "cpu");
    expect(native.determinismClass.products).toBe(hasOneDnnProduct(tf) ? "oneDNN" : "TensorFlow");
    expect(ours.map((product) => product.length)).toEqual([15, 15, 15, 15, 30]);
    ours.forEach((product, way) =>
      product.forEach((value, i) => expect(value).toBeCloseTo(stock[way]?.[i] ?? NaN, 6)),
    );
  });
});
