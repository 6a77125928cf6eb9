/** Tasks made of MNIST and Fashion-MNIST, as IDX files. */
import { openImages, turned, writeIdx } from "../image-sets.mjs";

/** @returns {Promise<Record<string, number>>} training rows by task */
export async function writeTasks(folder) {
  const read = await openImages();
  const digits = await read("mnist");
  const fashion = await read("fashion-mnist");
  const sizes = {};
  const write = (name, { train, test }, keep, change = (image) => image) => {
    sizes[name] = writeIdx(folder, name, "train", train, keep, change);
    writeIdx(folder, name, "test", test, keep, change);
  };
  const low = (label) => (label < 5 ? label : undefined);
  const high = (label) => (label >= 5 ? label - 5 : undefined);
  write("digits-low", digits, low);
  write("fashion-low", fashion, low);
  write("digits-high", digits, high);
  write("fashion-high", fashion, high);
  write("digits-turned", digits, (label) => label, turned(Math.PI / 6));
  return sizes;
}
