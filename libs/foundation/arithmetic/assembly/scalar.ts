/** First free byte of the memory: everything below it is the module's own static data. */
export function heapBase(): usize {
  return __heap_base;
}

// AssemblyScript's Math is compiled into the module (ports of musl and fdlibm), never the host's.
export function exp(x: f64): f64 {
  return Math.exp(x);
}

export function log(x: f64): f64 {
  return Math.log(x);
}

export function pow(base: f64, exponent: f64): f64 {
  return Math.pow(base, exponent);
}

export function sin(x: f64): f64 {
  return Math.sin(x);
}

export function cos(x: f64): f64 {
  return Math.cos(x);
}

export function tanh(x: f64): f64 {
  return Math.tanh(x);
}
