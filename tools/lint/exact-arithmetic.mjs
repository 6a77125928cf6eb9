/**
 * What may not be called where a number can reach a weight: these functions are not exactly defined, and their last
 * bits differ between versions of Node. Exact are + - * / and Math.sqrt, fround, imul, floor, ceil, round, trunc,
 * abs, min, max, sign, clz32. The others come from @latentweave/arithmetic.
 */
const inexact = [
  ...["exp", "expm1", "log", "log1p", "log2", "log10", "pow", "cbrt", "hypot"],
  ...["sin", "cos", "tan", "asin", "acos", "atan", "atan2"],
  ...["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"],
];

const mend = "its last bits differ between versions of Node; take it from @latentweave/arithmetic";

/** Options of ESLint's own rules. */
export const exactArithmetic = {
  "no-restricted-properties": [
    "error",
    ...inexact.map((property) => ({ object: "Math", property, message: `Inexact: ${mend}.` })),
    {
      object: "Math",
      property: "random",
      message: "Draw from the keyed generator of @latentweave/arithmetic.",
    },
  ],
  "no-restricted-syntax": [
    "error",
    { selector: "BinaryExpression[operator='**']", message: `\`**\` is inexact: ${mend}.` },
    { selector: "AssignmentExpression[operator='**=']", message: `\`**=\` is inexact: ${mend}.` },
  ],
};

const given = "algorithm code takes time, randomness and the outside world as arguments";

/** Algorithm code is a function of its arguments. */
export const noOutsideWorld = {
  "no-restricted-globals": [
    "error",
    {
      globals: [
        ...[
          "Date",
          "performance",
          "process",
          "fetch",
          "WebSocket",
          "EventSource",
          "XMLHttpRequest",
          "crypto",
        ],
        ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
      ].map((name) => ({ name, message: `Not here: ${given}.` })),
      checkGlobalObject: true,
    },
  ],
};
