import {
  Data,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Uint8,
  makeData,
  tableFromIPC,
  tableToIPC,
} from "apache-arrow";
import type { PreparedManifest } from "@latentweave/protocol";

/** The columns of one shard, each packed row after row; views of the shard's own bytes where they were decoded. */
export interface ShardColumns {
  readonly rows: number;
  readonly x: Uint8Array | Float32Array;
  readonly y: Int32Array | Float32Array | undefined;
}

/** What about a manifest decides how its shards look. */
export type ShardLayout = Pick<PreparedManifest, "x" | "y">;

/** An Arrow IPC file with one record batch: `x` a fixed-size list of uint8 or float32, `y` int32 or a list of float32. */
export function encodeShard(layout: ShardLayout, columns: ShardColumns): Uint8Array {
  const fields = [list("x", layout.x.width, columns.x, columns.rows)];
  if (columns.y instanceof Int32Array) {
    const data = makeData({ type: new Int32(), length: columns.rows, nullCount: 0, data: columns.y });
    fields.push({ field: new Field("y", data.type, false), data });
  } else if (columns.y && layout.y && layout.y.kind !== "class") {
    fields.push(list("y", layout.y.width, columns.y, columns.rows));
  }
  const schema = new Schema(fields.map(({ field }) => field));
  const children = fields.map(({ data }) => data);
  const data = makeData({ type: new Struct(schema.fields), length: columns.rows, nullCount: 0, children });
  return tableToIPC(new Table([new RecordBatch(schema, data)]), "file");
}

interface Column {
  readonly field: Field;
  readonly data: Data;
}

function list(name: string, width: number, values: Uint8Array | Float32Array, rows: number): Column {
  const child =
    values instanceof Uint8Array
      ? makeData({ type: new Uint8(), length: values.length, nullCount: 0, data: values })
      : makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
  const type = new FixedSizeList(width, new Field("item", child.type, false));
  return {
    field: new Field(name, type, false),
    data: makeData({ type, length: rows, nullCount: 0, child: child }),
  };
}

/** A shard does not hold what its manifest says. */
export class ShardMismatch extends Error {
  override readonly name = "ShardMismatch";
}

/** @throws ShardMismatch when columns, types or lengths are not those of the manifest */
export function decodeShard(layout: ShardLayout, rows: number, bytes: Uint8Array): ShardColumns {
  const table = tableFromIPC(bytes);
  if (table.numRows !== rows) throw new ShardMismatch(`holds ${table.numRows} rows, expected ${rows}`);
  const x = numbers(table, "x", rows * layout.x.width);
  if (layout.x.dtype === "uint8" ? !(x instanceof Uint8Array) : !(x instanceof Float32Array)) {
    throw new ShardMismatch(`column x is not ${layout.x.dtype}`);
  }
  if (!layout.y) return { rows, x: x as Uint8Array | Float32Array, y: undefined };
  const y = numbers(table, "y", rows * (layout.y.kind === "class" ? 1 : layout.y.width));
  if (layout.y.kind === "class" ? !(y instanceof Int32Array) : !(y instanceof Float32Array)) {
    throw new ShardMismatch(`column y is not ${layout.y.dtype}`);
  }
  return { rows, x: x as Uint8Array | Float32Array, y: y as Int32Array | Float32Array };
}

function numbers(table: Table, name: string, length: number): unknown {
  const data = table.getChild(name)?.data;
  if (data?.length !== 1) throw new ShardMismatch(`has no column ${name} in one batch`);
  const column = data[0] as Data;
  const values: unknown = (column.children[0] ?? column).values;
  if (!ArrayBuffer.isView(values) || !("length" in values) || (values.length as number) < length) {
    throw new ShardMismatch(`column ${name} is shorter than ${length}`);
  }
  return (values as Uint8Array).subarray(0, length);
}
