/** Ratios of a case beside their bars. */

/**
 * @param ratio as a case has it. @param kept results of all cases, by name
 * @returns {number | undefined} how much must be done in a second, as a multiple of what it is compared with
 */
function leastRatio({ bar, mostTime }, kept) {
  if (mostTime !== undefined) return 1 / mostTime;
  if (typeof bar !== "object") return bar;
  const reference = kept[bar.case]?.ratios[0]?.median;
  return reference === undefined ? undefined : bar.share * reference;
}

/** @returns {object[]} per ratio { what, figure, bar, isMet }: texts; `isMet` is undefined where there is no bar */
export function judged({ ratios }, result, kept) {
  return ratios.flatMap((ratio) => {
    const measured = result.ratios.find(({ of, to }) => of === ratio.of && to === ratio.to);
    if (measured === undefined) return [];
    const { median, worst, best } = measured;
    const least = leastRatio(ratio, kept);
    const isTime = ratio.mostTime !== undefined;
    const [middle, from, to] = (isTime ? [1 / median, 1 / best, 1 / worst] : [median, worst, best]).map(
      (value) => value.toFixed(2),
    );
    return {
      what: `${isTime ? "time of " : ""}${ratio.of} / ${ratio.to}`,
      figure: `**${middle}** [${from}–${to}]`,
      bar: barText(ratio, least),
      isMet: least === undefined ? undefined : median >= least,
    };
  });
}

function barText({ bar, mostTime }, least) {
  if (mostTime !== undefined) return `≤ ${mostTime}`;
  if (bar === undefined) return "";
  if (typeof bar !== "object") return `≥ ${bar}`;
  const value = least === undefined ? "" : ` = ${least.toFixed(2)}`;
  return `≥ ${bar.share} of ${bar.case}'s${value}`;
}
