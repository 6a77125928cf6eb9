/** What optimisers do to a block. */
export const optimisers = `KERNEL void sgd_(const float *p, float *next, const float *gradient, size_t n, float rate, float l2, float scale) {
  EACH(n) {
    float g = scale * gradient[i] + l2 * p[i];
    next[i] = flush(p[i] - rate * g);
  }
}

KERNEL void momentum_(const float *p, float *next, const float *gradient, const float *u, float *next_u, size_t n,
                      float rate, float decay, bool nesterov, float l2, float scale) {
  if (nesterov) {
    EACH(n) {
      float at = p[i], g = scale * gradient[i] + l2 * at, v = flush(decay * u[i] + g);
      next_u[i] = v;
      next[i] = flush(at - rate * (g + decay * v));
    }
  } else {
    EACH(n) {
      float at = p[i], g = scale * gradient[i] + l2 * at, v = flush(decay * u[i] + g);
      next_u[i] = v;
      next[i] = flush(at - rate * v);
    }
  }
}

#define ADAM(slope) \\
  EACH(n) { \\
    float at = p[i]; \\
    float g = scale * (slope) + l2 * at; \\
    float first = flush(beta1 * m[i] + rest1 * g); \\
    float second = flush(beta2 * v[i] + (rest2 * g) * g); \\
    float moved = (step * first) / (sqrtf(second) * root + epsilon); \\
    float change = moved + decay * at; \\
    next_m[i] = first; \\
    next_v[i] = second; \\
    next[i] = flush(at - change); \\
  }

KERNEL void adam_(const float *p, float *next, const float *gradient, const float *m, const float *v, float *next_m,
                  float *next_v, size_t n, float beta1, float rest1, float beta2, float rest2, float step, float root,
                  float epsilon, float decay, float l2, float scale) {
  ADAM(gradient[i])
}

/* The gradient is scaled as scale_ does it. */
KERNEL void scaled_adam_(const float *p, float *next, const float *gradient, float by, const float *m, const float *v,
                         float *next_m, float *next_v, size_t n, float beta1, float rest1, float beta2, float rest2,
                         float step, float root, float epsilon, float decay, float l2, float scale) {
  ADAM(flush(by * flush(gradient[i])))
}

`;
