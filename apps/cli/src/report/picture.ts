import { PNG } from "pngjs";
import { drawText, glyphAdvance, glyphHeight } from "./small-font.ts";

/** One task's rows of images. */
export interface PictureBlock {
  readonly title: string;
  /** Of every image. */
  readonly height: number;
  readonly width: number;
  /** 1: grey, 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** Images side by side, numbers from 0 to 1 in [height, width, channels] order. */
  readonly rows: readonly { readonly label: string; readonly images: readonly Float32Array[] }[];
}

const imageScale = 4;
const textScale = 2;
const gap = 6;
const margin = 16;
const ink = [40, 44, 52] as const;

/** Draws the blocks below each other, at four times their size, with a title each and a label for each row; a PNG file. */
export function drawPicture(blocks: readonly PictureBlock[]): Buffer {
  const lineHeight = glyphHeight * textScale + gap;
  const labels = blocks.flatMap(({ rows }) => rows.map(({ label }) => label.length));
  const left = margin + Math.max(0, ...labels) * glyphAdvance * textScale + gap;
  const right = Math.max(...blocks.map((block) => columnsOf(block) * (block.width * imageScale + gap) - gap));
  const titleWidth = Math.max(...blocks.map(({ title }) => title.length)) * glyphAdvance * textScale;
  const heights = blocks.map((block) => lineHeight + block.rows.length * (block.height * imageScale + gap));
  const height = 2 * margin + heights.reduce((sum, one) => sum + one, 0) + (blocks.length - 1) * margin - gap;
  const canvas = new Canvas(Math.max(left + right, margin + titleWidth) + margin, height);
  let top = margin;
  for (const [index, block] of blocks.entries()) {
    canvas.text(block.title, margin, top);
    drawRows(canvas, block, left, top + lineHeight);
    top += (heights[index] as number) + margin;
  }
  return canvas.encode();
}

function columnsOf({ rows }: PictureBlock): number {
  return Math.max(0, ...rows.map(({ images }) => images.length));
}

function drawRows(canvas: Canvas, block: PictureBlock, left: number, top: number): void {
  const step = block.height * imageScale + gap;
  for (const [row, { label, images }] of block.rows.entries()) {
    const y = top + row * step;
    const middle = y + Math.floor((block.height * imageScale - glyphHeight * textScale) / 2);
    canvas.text(label, margin, middle);
    for (const [column, image] of images.entries())
      canvas.image(image, block, left + column * (block.width * imageScale + gap), y);
  }
}

class Canvas {
  readonly #png: PNG;

  constructor(width: number, height: number) {
    this.#png = new PNG({ width, height });
    this.#png.data.fill(255);
  }

  text(text: string, x: number, y: number): void {
    drawText(text, (dotX, dotY) => this.#square(x + dotX * textScale, y + dotY * textScale, textScale, ink));
  }

  image(values: Float32Array, { height, width, channels }: PictureBlock, x: number, y: number): void {
    const level = (pixel: number, channel: number): number => {
      const value = values[pixel * channels + (channels === 1 ? 0 : channel)] ?? 0;
      return Math.round(Math.min(1, Math.max(0, value)) * 255);
    };
    for (let pixel = 0; pixel < height * width; pixel++)
      this.#square(x + (pixel % width) * imageScale, y + Math.floor(pixel / width) * imageScale, imageScale, [
        level(pixel, 0),
        level(pixel, 1),
        level(pixel, 2),
      ]);
  }

  encode(): Buffer {
    return PNG.sync.write(this.#png);
  }

  #square(x: number, y: number, size: number, [red, green, blue]: readonly [number, number, number]): void {
    const { width, data } = this.#png;
    for (let row = y; row < y + size; row++)
      for (let column = x; column < x + size; column++) {
        const at = (row * width + column) * 4;
        data[at] = red;
        data[at + 1] = green;
        data[at + 2] = blue;
      }
  }
}
