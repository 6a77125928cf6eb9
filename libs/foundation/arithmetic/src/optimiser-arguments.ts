import type { OptimiserKernels } from "./arithmetic.ts";

// What an update says, in the order of the kernel's parameters in assembly/optimiser.ts.

export function sgdArguments(...[b, rate]: Parameters<OptimiserKernels["sgd"]>): readonly number[] {
  return [b.params, b.next, b.gradient, b.n, rate, b.l2, b.gradientScale];
}

export function momentumArguments(...[b, rule]: Parameters<OptimiserKernels["momentum"]>): readonly number[] {
  return [
    ...[b.params, b.next, b.gradient, b.velocity, b.nextVelocity, b.n],
    ...[rule.learningRate, rule.momentum, rule.nesterov ? 1 : 0, b.l2, b.gradientScale],
  ];
}

export function adamArguments(...[b, rule]: Parameters<OptimiserKernels["adam"]>): readonly number[] {
  return [
    ...[b.params, b.next, b.gradient, b.m, b.v, b.nextM, b.nextV, b.n],
    // 1 − β is taken in float64 and rounded once: 1 − float32(β) would be off by the rounding of β.
    ...[rule.beta1, 1 - rule.beta1, rule.beta2, 1 - rule.beta2],
    ...[rule.stepSize, rule.rootScale, rule.epsilon, rule.decay, b.l2, b.gradientScale],
  ];
}
