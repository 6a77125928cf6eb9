import { flush, load4, store4 } from "./lanes";

// One float32 operation per symbol of the formulas, in the order written; what is stored is flushed, which also
// keeps decaying moments from lingering in denormals, where processors are slow. Factors that need powers or
// logarithms (bias corrections, schedules) are computed in float64 by the caller and arrive as float32.

/** g = scale*gradient + l2*p; next = p - rate*g */
export function sgd(
  params: usize,
  next: usize,
  gradient: usize,
  n: usize,
  rate: f32,
  l2: f32,
  scale: f32,
): void {
  const rates = f32x4.splat(rate);
  const l2s = f32x4.splat(l2);
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const p = load4(params + at, left);
    const g = f32x4.add(f32x4.mul(scales, load4(gradient + at, left)), f32x4.mul(l2s, p));
    store4(next + at, flush(f32x4.sub(p, f32x4.mul(rates, g))), left);
  }
}

/** g as in sgd; u' = momentum*u + g; next = p - rate*(nesterov ? g + momentum*u' : u') */
export function momentum(
  params: usize,
  next: usize,
  gradient: usize,
  velocity: usize,
  nextVelocity: usize,
  n: usize,
  rate: f32,
  decay: f32,
  nesterov: i32,
  l2: f32,
  scale: f32,
): void {
  const rates = f32x4.splat(rate);
  const decays = f32x4.splat(decay);
  const l2s = f32x4.splat(l2);
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const p = load4(params + at, left);
    const g = f32x4.add(f32x4.mul(scales, load4(gradient + at, left)), f32x4.mul(l2s, p));
    const u = flush(f32x4.add(f32x4.mul(decays, load4(velocity + at, left)), g));
    const direction = nesterov ? f32x4.add(g, f32x4.mul(decays, u)) : u;
    store4(nextVelocity + at, u, left);
    store4(next + at, flush(f32x4.sub(p, f32x4.mul(rates, direction))), left);
  }
}

/**
 * g as in sgd; m' = beta1*m + oneMinusBeta1*g; v' = beta2*v + (oneMinusBeta2*g)*g;
 * next = p - ((stepSize*m') / (sqrt(v')*rootScale + epsilon) + decay*p)
 * with stepSize = rate / (1 - beta1^t), rootScale = 1 / sqrt(1 - beta2^t), decay = rate*weightDecay (AdamW) or 0.
 * Multiplying p by 1 - decay instead would lose most digits of a small decay to the rounding of that factor.
 */
export function adam(
  params: usize,
  next: usize,
  gradient: usize,
  m: usize,
  v: usize,
  nextM: usize,
  nextV: usize,
  n: usize,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  stepSize: f32,
  rootScale: f32,
  epsilon: f32,
  decay: f32,
  l2: f32,
  scale: f32,
): void {
  const beta1s = f32x4.splat(beta1);
  const rest1s = f32x4.splat(oneMinusBeta1);
  const beta2s = f32x4.splat(beta2);
  const rest2s = f32x4.splat(oneMinusBeta2);
  const steps = f32x4.splat(stepSize);
  const roots = f32x4.splat(rootScale);
  const epsilons = f32x4.splat(epsilon);
  const decays = f32x4.splat(decay);
  const l2s = f32x4.splat(l2);
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const p = load4(params + at, left);
    const g = f32x4.add(f32x4.mul(scales, load4(gradient + at, left)), f32x4.mul(l2s, p));
    const first = flush(f32x4.add(f32x4.mul(beta1s, load4(m + at, left)), f32x4.mul(rest1s, g)));
    const second = flush(
      f32x4.add(f32x4.mul(beta2s, load4(v + at, left)), f32x4.mul(f32x4.mul(rest2s, g), g)),
    );
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), roots), epsilons);
    const moved = f32x4.div(f32x4.mul(steps, first), denominator);
    const change = f32x4.add(moved, f32x4.mul(decays, p));
    store4(nextM + at, first, left);
    store4(nextV + at, second, left);
    store4(next + at, flush(f32x4.sub(p, change)), left);
  }
}
