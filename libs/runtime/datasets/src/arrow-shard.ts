import {
  Data,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  List,
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
import { isSparse, type SparseRows } from "./sparse-rows.ts";

/** The columns of one shard, each packed row after row; views of the shard's own bytes where they were decoded. */
export interface ShardColumns {
  readonly rows: number;
  readonly x: Uint8Array | Float32Array | SparseRows;
  readonly y: Int32Array | Float32Array | undefined;
}

/** What about a manifest decides how its shards look. */
export type ShardLayout = Pick<PreparedManifest, "x" | "y">;

/**
 * An Arrow IPC file with one record batch: `x` a fixed-size list of uint8 or float32, or, of sparse rows, `x_index` a
 * list of int32 and `x_value` one of float32; `y` int32 or a fixed-size list of float32.
 */
export function encodeShard(layout: ShardLayout, columns: ShardColumns): Uint8Array {
  const { x } = columns;
  const fields = isSparse(x)
    ? [ragged("x_index", x.indices, x.offsets), ragged("x_value", x.values, x.offsets)]
    : [list("x", layout.x.width, x, columns.rows)];
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

/** A list of its own length in every row. */
function ragged(name: string, values: Int32Array | Float32Array, offsets: Int32Array): Column {
  const { length } = values;
  const child =
    values instanceof Int32Array
      ? makeData({ type: new Int32(), length, nullCount: 0, data: values })
      : makeData({ type: new Float32(), length, nullCount: 0, data: values });
  const type = new List<Int32 | Float32>(new Field("item", child.type, false));
  const rows = offsets.length - 1;
  const data = makeData({ type, length: rows, nullCount: 0, valueOffsets: offsets, child });
  return { field: new Field(name, type, false), data };
}

/** A shard does not hold what its manifest says. */
export class ShardMismatch extends Error {
  override readonly name = "ShardMismatch";
}

/** @throws ShardMismatch when columns, types or lengths are not those of the manifest */
export function decodeShard(layout: ShardLayout, rows: number, bytes: Uint8Array): ShardColumns {
  const table = tableFromIPC(bytes);
  if (table.numRows !== rows) throw new ShardMismatch(`holds ${table.numRows} rows, expected ${rows}`);
  const x = layout.x.sparse
    ? sparseColumns(table, rows, layout.x.width)
    : numbers(table, "x", rows * layout.x.width);
  if (!isOfType(x, layout.x)) throw new ShardMismatch(`column x is not ${layout.x.dtype}`);
  if (!layout.y) return { rows, x, y: undefined };
  const y = numbers(table, "y", rows * (layout.y.kind === "class" ? 1 : layout.y.width));
  if (layout.y.kind === "class" ? !(y instanceof Int32Array) : !(y instanceof Float32Array)) {
    throw new ShardMismatch(`column y is not ${layout.y.dtype}`);
  }
  return { rows, x, y: y as Int32Array | Float32Array };
}

function isOfType(x: unknown, { dtype, sparse }: ShardLayout["x"]): x is ShardColumns["x"] {
  if (sparse) return true;
  return dtype === "uint8" ? x instanceof Uint8Array : x instanceof Float32Array;
}

function sparseColumns(table: Table, rows: number, width: number): SparseRows {
  const indexData = table.getChild("x_index")?.data;
  const offsets: unknown = indexData?.length === 1 ? indexData[0]?.valueOffsets : undefined;
  if (!(offsets instanceof Int32Array) || offsets.length < rows + 1)
    throw new ShardMismatch("has no column x_index in one batch");
  const count = offsets[rows] as number;
  const [indices, values] = [numbers(table, "x_index", count), numbers(table, "x_value", count)];
  if (!(indices instanceof Int32Array) || !(values instanceof Float32Array))
    throw new ShardMismatch("columns x_index and x_value are not int32 and float32");
  if (indices.some((index) => index < 0 || index >= width))
    throw new ShardMismatch(`column x_index leads beyond ${width} numbers`);
  return { offsets: offsets.subarray(0, rows + 1), indices, values };
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
