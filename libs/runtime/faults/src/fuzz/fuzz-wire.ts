import type { Draw } from "../draw/keyed-random.ts";
import { bytesOf, pick, whole } from "../draw/choose.ts";

/** Most WebSocket messages are right, so that what they carry is looked at. */
const shapes = [
  ...Array.from({ length: 12 }, () => "right" as const),
  ...(["fragments", "text", "reserved", "length", "unmasked", "control", "none"] as const),
];

/**
 * The bytes on the wire of a WebSocket message that carries this payload, sometimes wrong in themselves.
 *
 * @param masked as clients must, and servers must not
 */
export function fuzzWire(payload: Buffer, masked: boolean, draw: Draw): Buffer {
  switch (pick(draw, "shape", shapes)) {
    case "right":
      return wireMessage(payload, { masked });
    case "fragments": {
      const cut = whole(draw, "cut", payload.length + 1);
      return Buffer.concat([
        wireMessage(payload.subarray(0, cut), { masked, fin: false }),
        wireMessage(payload.subarray(cut), { masked, opcode: 0 }),
      ]);
    }
    case "text":
      return wireMessage(payload, { masked, opcode: 1 });
    case "reserved":
      return wireMessage(payload, { masked, opcode: pick(draw, "opcode", [3, 7, 0x0b, 0x0f, 0x42, 0x72]) });
    case "length":
      return wireMessage(payload, {
        masked,
        announced: pick(draw, "announced", [
          0,
          1,
          payload.length + 1,
          payload.length + 70_000,
          2 ** 40,
          2 ** 53,
        ]),
      });
    case "unmasked":
      return wireMessage(payload, { masked: !masked });
    case "control":
      // Pings, pongs and goodbyes hold 125 bytes; this one as many as there are.
      return wireMessage(payload, { masked, opcode: pick(draw, "control", [8, 9, 10]) });
    case "none":
      return bytesOf(draw, "wire", 1 + whole(draw, "bytes", 200));
  }
}

export function wireMessage(
  payload: Buffer,
  shape: {
    readonly masked: boolean;
    readonly opcode?: number;
    readonly fin?: boolean;
    /** In place of the true length. */
    readonly announced?: number;
  },
): Buffer {
  const { masked, opcode = 2, fin = true, announced = payload.length } = shape;
  const mask = masked ? 4 : 0;
  const head = Buffer.alloc(announced < 126 ? 2 + mask : announced < 65_536 ? 4 + mask : 10 + mask);
  head[0] = (fin ? 0x80 : 0) | opcode;
  const maskBit = masked ? 0x80 : 0;
  if (announced < 126) head[1] = maskBit | announced;
  else if (announced < 65_536) {
    head[1] = maskBit | 126;
    head.writeUInt16BE(announced, 2);
  } else {
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(announced), 2);
  }
  // The mask itself is zero: the payload stays as it is.
  return Buffer.concat([head, payload]);
}
