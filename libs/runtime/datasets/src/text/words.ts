/** "don't" is "do" and "n't", as treebanks split it: texts that were split before and others then have the same words. */
const negation = /(?<=\p{L})n['’]t(?!\p{L})/gu;
const word = /n't(?!\p{L})|[\p{L}\p{N}]+|[!?]/gu;

/**
 * The words of a text, in lower case: runs of letters and digits, "n't", and the marks ! and ?. Whatever else stands
 * between them ends a word and is dropped: "it's" is "it" and "s".
 */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().replace(negation, " n't").match(word) ?? [];
}
