/** Logistic regression on sparse rows, of each task alone, of all rows as one, or shared and private at once. */

const lbfgsMemory = 8;
const mostIterations = 150;

/**
 * The weights that are least in Σ log(1 + e^(−y·z)) + ½λ(‖shared‖² + Σ ‖own‖²) over the rows of all tasks, where
 * z = x·(shared + own_t) + bias_t. With both parts this is EasyAdapt (Daumé, 2007): every feature once for all tasks and
 * once for each.
 * @param {{ rows: SparseRows, labels: ArrayLike<number> }[]} tasks labels are 0 and 1
 * @param {{ width: number, lambda: number, shared: boolean, own: boolean }} options
 * @returns one { weights, bias } for each task
 */
export function fitLogistic(tasks, { width, lambda, shared, own }) {
  const stride = width + 1;
  const parts = (shared ? 1 : 0) + (own ? tasks.length : 0);
  /** Where the parts of a task begin. */
  const placesOf = (task) => [...(shared ? [0] : []), ...(own ? [((shared ? 1 : 0) + task) * stride] : [])];
  const weightsOf = (parameters, task) => {
    const weights = new Float64Array(stride);
    for (const place of placesOf(task))
      for (let at = 0; at < stride; at++) weights[at] += parameters[place + at];
    return weights;
  };
  const objective = (parameters, gradient) => {
    let loss = 0;
    for (let at = 0; at < parameters.length; at++) {
      const isBias = at % stride === width;
      gradient[at] = isBias ? 0 : lambda * parameters[at];
      if (!isBias) loss += (lambda / 2) * parameters[at] ** 2;
    }
    tasks.forEach(({ rows, labels }, task) => {
      const weights = weightsOf(parameters, task);
      const slope = new Float64Array(stride);
      for (let row = 0; row < labels.length; row++) {
        const z = product(rows, row, weights);
        const sign = labels[row] === 1 ? 1 : -1;
        const margin = sign * z;
        loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
        const pull = -sign / (1 + Math.exp(margin));
        for (let at = rows.offsets[row]; at < rows.offsets[row + 1]; at++)
          slope[rows.indices[at]] += pull * rows.values[at];
        slope[width] += pull;
      }
      for (const place of placesOf(task))
        for (let at = 0; at < stride; at++) gradient[place + at] += slope[at];
    });
    return loss;
  };
  const parameters = minimise(objective, parts * stride);
  return tasks.map((_, task) => {
    const weights = weightsOf(parameters, task);
    return { weights, bias: weights[width] };
  });
}

/** Share of wrong answers. */
export function errorOf({ weights }, { rows, labels }) {
  let wrong = 0;
  for (let row = 0; row < labels.length; row++)
    if (product(rows, row, weights) > 0 !== (labels[row] === 1)) wrong++;
  return wrong / labels.length;
}

/** x·w + bias; the bias is the last of the weights. */
function product({ offsets, indices, values }, row, weights) {
  let sum = weights[weights.length - 1];
  for (let at = offsets[row]; at < offsets[row + 1]; at++) sum += values[at] * weights[indices[at]];
  return sum;
}

const dot = (a, b) => {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
  return sum;
};

/** L-BFGS (Liu and Nocedal, 1989) with halved steps until the objective falls enough. */
function minimise(objective, numbers) {
  let at = new Float64Array(numbers);
  let gradient = new Float64Array(numbers);
  let value = objective(at, gradient);
  const first = Math.sqrt(dot(gradient, gradient));
  const pairs = [];
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    if (Math.sqrt(dot(gradient, gradient)) < 1e-4 * first) break;
    const direction = descent(gradient, pairs);
    const slope = dot(direction, gradient);
    let step = pairs.length === 0 ? 1 / first : 1;
    for (;;) {
      const next = at.map((number, index) => number + step * direction[index]);
      const nextGradient = new Float64Array(numbers);
      const nextValue = objective(next, nextGradient);
      if (nextValue <= value + 1e-4 * step * slope || step < 1e-10) {
        const moved = next.map((number, index) => number - at[index]);
        const turned = nextGradient.map((number, index) => number - gradient[index]);
        const curvature = dot(moved, turned);
        if (curvature > 0) pairs.push({ moved, turned, curvature });
        if (pairs.length > lbfgsMemory) pairs.shift();
        [at, gradient, value] = [next, nextGradient, nextValue];
        break;
      }
      step /= 2;
    }
  }
  return at;
}

/** −H·gradient, H made of the last changes. */
function descent(gradient, pairs) {
  const direction = gradient.map((number) => -number);
  const shares = [];
  for (const { moved, turned, curvature } of pairs.toReversed()) {
    const share = dot(moved, direction) / curvature;
    shares.unshift(share);
    for (let at = 0; at < direction.length; at++) direction[at] -= share * turned[at];
  }
  const last = pairs.at(-1);
  const scale = last ? last.curvature / dot(last.turned, last.turned) : 1;
  for (let at = 0; at < direction.length; at++) direction[at] *= scale;
  pairs.forEach(({ moved, turned, curvature }, index) => {
    const share = shares[index] - dot(turned, direction) / curvature;
    for (let at = 0; at < direction.length; at++) direction[at] += share * moved[at];
  });
  return direction;
}
