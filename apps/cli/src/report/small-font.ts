/** Letters of 3 by 5 dots for labels in pictures: rows from the top, a bit per dot. Capitals stand for both cases. */
const glyphs: Readonly<Record<string, string>> = {
  A: "010101111101101",
  B: "110101110101110",
  C: "011100100100011",
  D: "110101101101110",
  E: "111100110100111",
  F: "111100110100100",
  G: "011100101101011",
  H: "101101111101101",
  I: "111010010010111",
  J: "001001001101010",
  K: "101101110101101",
  L: "100100100100111",
  M: "101111111101101",
  N: "110101101101101",
  O: "010101101101010",
  P: "110101110100100",
  Q: "010101101111011",
  R: "110101110101101",
  S: "011100010001110",
  T: "111010010010010",
  U: "101101101101111",
  V: "101101101101010",
  W: "101101111111101",
  X: "101101010101101",
  Y: "101101010010010",
  Z: "111001010100111",
  "0": "111101101101111",
  "1": "010110010010111",
  "2": "110001010100111",
  "3": "110001010001110",
  "4": "101101111001001",
  "5": "111100110001110",
  "6": "011100111101111",
  "7": "111001010010010",
  "8": "111101111101111",
  "9": "111101111001110",
  "-": "000000111000000",
  _: "000000000000111",
  ".": "000000000000010",
};

export const glyphHeight = 5;
/** With the space behind it. */
export const glyphAdvance = 4;

/** Calls `dot` for every dot of a text, in the text's own coordinates. Signs without a glyph are left blank. */
export function drawText(text: string, dot: (x: number, y: number) => void): void {
  for (const [place, letter] of Array.from(text.toUpperCase()).entries())
    for (const [index, bit] of Array.from(glyphs[letter] ?? "").entries())
      if (bit === "1") dot(place * glyphAdvance + (index % 3), Math.floor(index / 3));
}
