/** An animated GIF out of screenshots: one palette for all, and only what changed since the frame before. */
import gifenc from "gifenc";
import { PNG } from "pngjs";

const { GIFEncoder, quantize } = gifenc;

/** A page has few colours; more of them would only make the file larger. */
const colours = 127;
/** The entry of the palette that leaves a pixel as it was. */
const asBefore = 127;
/** Pixels that the palette is made from, in all. */
const samplePixels = 1_500_000;

/**
 * @param {readonly { png: Buffer, delayMs: number }[]} frames of one size; delays are rounded to the format's 10 ms
 * @returns {Uint8Array} a GIF that plays for ever
 */
export function encodeGif(frames) {
  const images = frames.map(({ png, delayMs }) => ({ ...PNG.sync.read(png), delayMs }));
  const palette = quantize(sampleOf(images), colours, { format: "rgb565" });
  const nearest = nearestColour(palette);
  // An entry that no pixel has, so that every frame has the same table.
  while (palette.length <= asBefore) palette.push([255, 0, 255]);

  const gif = GIFEncoder();
  let shown;
  let pending;
  const write = () => {
    if (pending) gif.writeFrame(pending.pixels, pending.width, pending.height, pending.options);
  };
  for (const { data, width, height, delayMs } of images) {
    const pixels = new Uint8Array(width * height);
    for (let i = 0, at = 0; i < pixels.length; i++, at += 4)
      pixels[i] = nearest(data[at], data[at + 1], data[at + 2]);
    if (shown && Buffer.compare(shown, pixels) === 0) {
      pending.options.delay += delayMs;
      continue;
    }
    write();
    const changed = shown === undefined ? pixels : pixels.map((c, i) => (c === shown[i] ? asBefore : c));
    pending = {
      pixels: changed,
      width,
      height,
      options: {
        delay: delayMs,
        dispose: 1,
        ...(shown === undefined ? { palette, repeat: 0 } : { transparent: true, transparentIndex: asBefore }),
      },
    };
    shown = pixels;
  }
  write();
  gif.finish();
  return gif.bytes();
}

function sampleOf(images) {
  const total = images.reduce((sum, { width, height }) => sum + width * height, 0);
  const stride = Math.max(1, Math.floor(total / samplePixels));
  const sample = [];
  let place = 0;
  for (const { data } of images)
    for (; ; place += stride) {
      const at = place * 4;
      if (at >= data.length) {
        place -= data.length / 4;
        break;
      }
      sample.push(data[at], data[at + 1], data[at + 2], 255);
    }
  return Uint8Array.from(sample);
}

/** Nearest by squared distance. Each colour is looked up once: there are few, and many pixels. */
function nearestColour(palette) {
  const entries = palette.map(([r, g, b]) => [r, g, b]);
  const known = new Int16Array(1 << 24).fill(-1);
  return (r, g, b) => {
    const key = (r << 16) | (g << 8) | b;
    if (known[key] < 0) {
      let best = Infinity;
      entries.forEach(([pr, pg, pb], index) => {
        const distance = (pr - r) ** 2 + (pg - g) ** 2 + (pb - b) ** 2;
        if (distance < best) [best, known[key]] = [distance, index];
      });
    }
    return known[key];
  };
}
