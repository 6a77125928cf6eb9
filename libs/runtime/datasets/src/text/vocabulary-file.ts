import { tableFromIPC, tableToIPC, vectorFromArray, Table, Utf8, Int32 } from "apache-arrow";
import type { PreparedText } from "@latentweave/protocol";
import type { Vocabulary } from "./vocabulary.ts";

/** An Arrow IPC file: `term` utf8, `lines` int32, in the vocabulary's order. */
export function encodeVocabulary({ terms, lines }: Vocabulary): Uint8Array {
  return tableToIPC(
    new Table({
      term: vectorFromArray(terms, new Utf8()),
      lines: vectorFromArray([...lines], new Int32()),
    }),
    "file",
  );
}

/** @throws Error when the file is not what the manifest says */
export function decodeVocabulary(
  bytes: Uint8Array,
  { counted, words, terms }: PreparedText["vocabulary"],
): Vocabulary {
  const table = tableFromIPC(bytes);
  const [term, lines] = [table.getChild("term"), table.getChild("lines")];
  if (!term || !lines || table.numRows !== terms)
    throw new Error(`a vocabulary of ${table.numRows} terms, expected ${terms} with their lines`);
  return {
    terms: Array.from(term, String),
    lines: Int32Array.from(lines, Number),
    counted,
    words,
  };
}
