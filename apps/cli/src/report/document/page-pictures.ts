import { PNG } from "pngjs";
import { html, type Markup } from "../../page/markup.ts";
import type { PictureBlock } from "../picture.ts";

/** Originals and what is made of them, a row each, as pictures inside the page. */
export function pictureMarkup(block: PictureBlock): Markup {
  return html`<figure style="max-width: 760px">
    <figcaption>${block.title}</figcaption>
    <div class="pictures">
      ${block.rows.map(
        ({ label, images }) =>
          html`<span>${label}</span
            ><img
              alt="${images.length} samples of ${block.title}: ${label}"
              src="data:image/png;base64,${strip(block, images)}"
            />`,
      )}
    </div>
  </figure>`;
}

/** Side by side with a pixel of nothing between them. */
function strip({ height, width, channels }: PictureBlock, images: readonly Float32Array[]): string {
  const png = new PNG({ width: Math.max(1, images.length * (width + 1) - 1), height });
  png.data.fill(0);
  for (const [place, values] of images.entries())
    for (let pixel = 0; pixel < height * width; pixel++) {
      const at = (Math.floor(pixel / width) * png.width + place * (width + 1) + (pixel % width)) * 4;
      for (let colour = 0; colour < 3; colour++) {
        const value = values[pixel * channels + (channels === 1 ? 0 : colour)] ?? 0;
        png.data[at + colour] = Math.round(Math.min(1, Math.max(0, value)) * 255);
      }
      png.data[at + 3] = 255;
    }
  return PNG.sync.write(png).toString("base64");
}
