import type { AddonSource } from "./addon-source.ts";

/**
 * The kernels of libs/foundation/arithmetic/assembly once more, for the processor at hand: the same operations in the
 * same order, so the same bits (`NativeKernels` in libs/foundation/arithmetic says how that is made sure). The compiler
 * may use wider vectors, but must neither fuse a multiplication with an addition (where that rounds: see `tile_`) nor
 * reorder a sum.
 *
 * Addresses are numbers: `base` is where the WebAssembly memory begins, the others are offsets in it.
 */
const source = `#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <node_api.h>

/* One version for each generation of processors, chosen when the addon is loaded. */
#ifdef ONE_PROCESSOR
#define KERNEL static __attribute__((noinline))
#else
#define KERNEL static __attribute__((noinline, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
/* Results may be written where an operand of the same element was read, and nowhere else. */
#define EACH(n) _Pragma("GCC ivdep") for (size_t i = 0; i < (n); i++)

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

static inline float flush(float x) {
  uint32_t bits = bits_of(x);
  bits = (bits & 0x7f800000u) != 0 ? bits : bits & 0x80000000u;
  memcpy(&x, &bits, 4);
  return x;
}

KERNEL void add_(float *dst, const float *a, const float *b, size_t n) {
  EACH(n) dst[i] = flush(flush(a[i]) + flush(b[i]));
}

KERNEL void scale_(float *dst, const float *src, float w, size_t n) {
  EACH(n) dst[i] = flush(w * flush(src[i]));
}

KERNEL void accumulate_(float *dst, const float *src, float w, size_t n) {
  EACH(n) dst[i] = flush(flush(dst[i]) + flush(w * flush(src[i])));
}

KERNEL double dot_(const float *a, const float *b, size_t n) {
  double s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  size_t whole = n & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8)
    for (size_t j = 0; j < 8; j++) s[j] += (double)a[i + j] * (double)b[i + j];
  for (size_t i = whole; i < n; i++) s[i - whole] += (double)a[i] * (double)b[i];
  return ((s[0] + s[2]) + (s[4] + s[6])) + ((s[1] + s[3]) + (s[5] + s[7]));
}

/*
 * Inner products of two vectors with four. A sum is a chain of additions, each waiting for the one before: these are
 * eight of them at once, each in the order of dot_.
 */
KERNEL void dots_(const float *const rows[2], const float *const columns[4], double out[2][4], size_t n) {
  const float *a = rows[0], *b = rows[1], *c = columns[0], *d = columns[1], *e = columns[2], *f = columns[3];
  double ac[8] = {0}, ad[8] = {0}, ae[8] = {0}, af[8] = {0}, bc[8] = {0}, bd[8] = {0}, be[8] = {0}, bf[8] = {0};
  size_t whole = n & ~(size_t)7;
#define PRODUCTS(i, j) \
  do { \
    double x = (double)a[i], y = (double)b[i]; \
    double p = (double)c[i], q = (double)d[i], r = (double)e[i], t = (double)f[i]; \
    ac[j] += x * p, ad[j] += x * q, ae[j] += x * r, af[j] += x * t; \
    bc[j] += y * p, bd[j] += y * q, be[j] += y * r, bf[j] += y * t; \
  } while (0)
  for (size_t i = 0; i < whole; i += 8)
    for (size_t j = 0; j < 8; j++) PRODUCTS(i + j, j);
  for (size_t i = whole; i < n; i++) PRODUCTS(i, i - whole);
#undef PRODUCTS
#define SUM(s) (((s[0] + s[2]) + (s[4] + s[6])) + ((s[1] + s[3]) + (s[5] + s[7])))
  out[0][0] = SUM(ac), out[0][1] = SUM(ad), out[0][2] = SUM(ae), out[0][3] = SUM(af);
  out[1][0] = SUM(bc), out[1][1] = SUM(bd), out[1][2] = SUM(be), out[1][3] = SUM(bf);
#undef SUM
}

#ifndef ONE_PROCESSOR
/*
 * The same products where a register holds eight float64: four vectors with four, from pieces that are widened once and
 * not for every pair. Here a multiplication may be fused with an addition: of two float32 it is exact, so that nothing is
 * rounded in between either way. What a piece has too little is zeros, which change no sum that began with zero.
 */
#define WIDE __attribute__((noinline, target("avx512f"), optimize("fp-contract=fast")))
#define PIECE 512
typedef double lanes __attribute__((vector_size(64), aligned(64), may_alias));

WIDE static void widen_(double *dst, const float *src, size_t n) {
  size_t i = 0;
  for (; i < n; i++) dst[i] = (double)src[i];
  for (; i % 8; i++) dst[i] = 0;
}

WIDE static void tile_(const lanes *const rows[4], const lanes *const columns[4], lanes *const sums[4][4], size_t n) {
  lanes s[4][4];
#define EACH_SUM _Pragma("GCC unroll 4") for (size_t r = 0; r < 4; r++) _Pragma("GCC unroll 4") for (size_t k = 0; k < 4; k++)
  EACH_SUM s[r][k] = *sums[r][k];
  for (size_t i = 0; i < n; i++) EACH_SUM s[r][k] += rows[r][i] * columns[k][i];
  EACH_SUM *sums[r][k] = s[r][k];
#undef EACH_SUM
}

/* @returns whether there was memory for it */
static bool wide_products(const float *const *vectors, size_t count, size_t n, double *out) {
  size_t side = (count + 3) & ~(size_t)3;
  lanes *sums = aligned_alloc(64, side * side * sizeof(lanes));
  double *pieces = aligned_alloc(64, side * PIECE * sizeof(double));
  bool isThere = sums != NULL && pieces != NULL;
  if (isThere) memset(sums, 0, side * side * sizeof(lanes));
  /* Tiles of four and four; what is over at the end is the last vector once more. */
#define LAST(i) ((i) < count ? (i) : count - 1)
  for (size_t from = 0; isThere && from < n; from += PIECE) {
    size_t numbers = n - from < PIECE ? n - from : PIECE;
    for (size_t i = 0; i < count; i++) widen_(pieces + i * PIECE, vectors[i] + from, numbers);
    for (size_t row = 0; row < count; row += 4)
      for (size_t column = row; column < count; column += 4) {
        const lanes *a[4], *b[4];
        lanes *into[4][4];
        for (size_t r = 0; r < 4; r++) a[r] = (const lanes *)(pieces + LAST(row + r) * PIECE);
        for (size_t k = 0; k < 4; k++) b[k] = (const lanes *)(pieces + LAST(column + k) * PIECE);
        for (size_t r = 0; r < 4; r++)
          for (size_t k = 0; k < 4; k++) into[r][k] = sums + (row + r) * side + column + k;
        tile_(a, b, into, (numbers + 7) / 8);
      }
  }
#undef LAST
  for (size_t row = 0; isThere && row < count; row++)
    for (size_t column = row; column < count; column++) {
      const double *s = (const double *)(sums + row * side + column);
      out[row * count + column] = out[column * count + row] =
          ((s[0] + s[2]) + (s[4] + s[6])) + ((s[1] + s[3]) + (s[5] + s[7]));
    }
  free(sums);
  free(pieces);
  return isThere;
}
#endif

KERNEL bool finite_(const float *x, size_t n) {
  for (size_t from = 0; from < n; from += 4096) {
    size_t end = n - from < 4096 ? n : from + 4096;
    uint32_t bad = 0;
    for (size_t i = from; i < end; i++) bad |= (bits_of(x[i]) & 0x7f800000u) == 0x7f800000u;
    if (bad) return false;
  }
  return true;
}

/* Codecs: see assembly/codec.ts. */
#define BLOCK 256
#define BLOCK_BYTES (BLOCK + 4)

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

static inline uint32_t to_brain(float x) {
  uint32_t bits = bits_of(flush(x)), size = bits & 0x7fffffffu;
  uint32_t near = (size + 0x7fffu + ((size >> 16) & 1)) >> 16;
  uint32_t finite = near < 0x7f7fu ? near : 0x7f7fu;
  uint32_t odd = size > 0x7f800000u ? 0x7fc0u : 0x7f80u;
  return (size >= 0x7f800000u ? odd : finite) | ((bits >> 16) & 0x8000u);
}

static inline float from_brain(uint32_t half) { return float_of(half << 16); }

static inline uint32_t to_half(float x) {
  uint32_t bits = bits_of(flush(x)), size = bits & 0x7fffffffu;
  uint32_t near = (size + 0xfffu - (112u << 23) + ((size >> 13) & 1)) >> 13;
  uint32_t normal = near < 0x7bffu ? near : 0x7bffu;
  uint32_t denormal = bits_of(float_of(size) + 0.5f) - 0x3f000000u;
  uint32_t finite = size < (113u << 23) ? denormal : normal;
  uint32_t odd = size > 0x7f800000u ? 0x7e00u : 0x7c00u;
  return (size >= 0x7f800000u ? odd : finite) | ((bits >> 16) & 0x8000u);
}

static inline float from_half(uint32_t half) {
  uint32_t size = (half & 0x7fffu) << 13, exponent = size & (0x7c00u << 13);
  uint32_t normal = size + (112u << 23);
  uint32_t denormal = bits_of(float_of(size + (113u << 23)) - float_of(113u << 23));
  uint32_t finite = exponent == 0 ? denormal : normal;
  return float_of((exponent == (0x7c00u << 13) ? normal + (112u << 23) : finite) | ((half & 0x8000u) << 16));
}

KERNEL void brain_encode_(uint16_t *dst, const float *src, size_t n) { EACH(n) dst[i] = (uint16_t)to_brain(src[i]); }
KERNEL void brain_decode_(float *dst, const uint16_t *src, size_t n) { EACH(n) dst[i] = from_brain(src[i]); }
KERNEL void brain_round_(float *dst, const float *src, size_t n) { EACH(n) dst[i] = from_brain(to_brain(src[i])); }
KERNEL void half_encode_(uint16_t *dst, const float *src, size_t n) { EACH(n) dst[i] = (uint16_t)to_half(src[i]); }
KERNEL void half_decode_(float *dst, const uint16_t *src, size_t n) { EACH(n) dst[i] = from_half(src[i]); }
KERNEL void half_round_(float *dst, const float *src, size_t n) { EACH(n) dst[i] = from_half(to_half(src[i])); }

struct measured { float scale, inverse; };

static inline struct measured measure(const float *src, size_t n) {
  struct measured m = {float_of(0x7fc00000u), 0};
  int32_t most = 0;
  for (size_t i = 0; i < n; i++) {
    int32_t size = (int32_t)(bits_of(flush(src[i])) & 0x7fffffffu);
    most = size > most ? size : most;
  }
  if (most >= 0x7f800000) return m;
  uint32_t cut = bits_of(float_of((uint32_t)most) / 127.0f) & 0xffffff00u;
  m.scale = cut < 0x00800000u ? 0 : float_of(cut);
  m.inverse = cut < 0x00800000u ? 0 : 1.0f / m.scale;
  return m;
}

/* Nearest, ties to even, for what is small: 1.5 * 2^23 has no place below one. */
static inline int32_t step_of(float x, float inverse) { return (int32_t)((flush(x) * inverse + 12582912.0f) - 12582912.0f); }

KERNEL void int8_encode_(uint8_t *dst, const float *src, size_t n) {
  for (size_t from = 0; from < n; from += BLOCK, dst += BLOCK_BYTES) {
    size_t count = n - from < BLOCK ? n - from : BLOCK;
    const float *x = src + from;
    struct measured m = measure(x, count);
    memcpy(dst, &m.scale, 4);
    int8_t *to = (int8_t *)dst + 4;
    if (m.inverse == 0) memset(to, 0, count);
    else EACH(count) to[i] = (int8_t)step_of(x[i], m.inverse);
  }
}

KERNEL void int8_decode_(float *dst, const uint8_t *src, size_t n) {
  for (size_t from = 0; from < n; from += BLOCK, src += BLOCK_BYTES) {
    size_t count = n - from < BLOCK ? n - from : BLOCK;
    float scale, *to = dst + from;
    memcpy(&scale, src, 4);
    scale = flush(scale);
    const int8_t *x = (const int8_t *)src + 4;
    EACH(count) to[i] = (float)x[i] * scale;
  }
}

KERNEL void int8_round_(float *dst, const float *src, size_t n) {
  for (size_t from = 0; from < n; from += BLOCK) {
    size_t count = n - from < BLOCK ? n - from : BLOCK;
    const float *x = src + from;
    float *to = dst + from;
    struct measured m = measure(x, count);
    if (m.inverse == 0) EACH(count) to[i] = m.scale;
    else EACH(count) to[i] = (float)step_of(x[i], m.inverse) * m.scale;
  }
}

/* The largest numbers: see assembly/largest.ts. */
#define CHOICE 16384

static inline size_t kept_of(size_t n, size_t kept) { return (kept * n + CHOICE - 1) / CHOICE; }
static inline uint32_t size_of(float x) { return bits_of(flush(x)) & 0x7fffffffu; }

/* Down from the highest, to where as many as wanted are counted; "above" becomes what lies over it. */
static inline uint32_t fall(const uint32_t *counts, uint32_t from, size_t wanted, size_t *above) {
  size_t over = 0;
  while (from > 0 && over + counts[from] < wanted) over += counts[from--];
  *above = over;
  return from;
}

struct choice { uint16_t places[CHOICE]; size_t listed, ties; uint32_t least, most; };

KERNEL void choose_(struct choice *c, const float *src, size_t n, size_t k) {
  uint32_t counts[2][4096], most = 0;
  memset(counts, 0, sizeof counts);
  for (size_t i = 0; i < n; i++) {
    uint32_t size = size_of(src[i]);
    most = size > most ? size : most;
    /* Neighbours are often alike: two tables, so that one does not wait for the other. */
    counts[i & 1][size >> 19] += 1;
  }
  for (size_t i = 0; i < 4096; i++) counts[0][i] += counts[1][i];
  size_t above, left = k, listed = 0;
  uint32_t upper = fall(counts[0], 4095, left, &above);
  left -= above;
  for (size_t i = 0; i < n; i++) {
    c->places[listed] = (uint16_t)i;
    listed += size_of(src[i]) >> 19 >= upper;
  }
  memset(counts[0], 0, 4096);
  for (size_t j = 0; j < listed; j++) {
    uint32_t size = size_of(src[c->places[j]]);
    if (size >> 19 == upper) counts[0][(size >> 9) & 1023] += 1;
  }
  uint32_t middle = upper << 10 | fall(counts[0], 1023, left, &above);
  left -= above;
  memset(counts[0], 0, 2048);
  for (size_t j = 0; j < listed; j++) {
    uint32_t size = size_of(src[c->places[j]]);
    if (size >> 9 == middle) counts[0][size & 511] += 1;
  }
  c->least = middle << 9 | fall(counts[0], 511, left, &above);
  c->ties = left - above;
  c->listed = listed;
  c->most = most;
}

static uint8_t *take_block(struct choice *c, uint8_t *dst, float *src, size_t n, size_t k) {
  choose_(c, src, n, k);
  size_t groups = (n + BLOCK - 1) / BLOCK, sent = 0, ties = c->ties;
  uint8_t *counted = dst + 4, *lows = counted + groups, *values = lows + k, *end = values + k;
  memset(dst, 0, (size_t)(end - dst));
  if (c->most >= 0x7f800000u) {
    float odd = float_of(0x7fc00000u);
    memcpy(dst, &odd, 4);
    counted[0] = 1;
    memset(src, 0, n * sizeof *src);
    return end;
  }
  uint32_t cut = bits_of(float_of(c->most) / 127.0f) & 0xffffff00u;
  if (cut < 0x00800000u) return end;
  float scale = float_of(cut), inverse = 1.0f / scale;
  memcpy(dst, &scale, 4);
  for (size_t j = 0; j < c->listed; j++) {
    size_t place = c->places[j];
    float number = flush(src[place]);
    uint32_t size = bits_of(number) & 0x7fffffffu;
    if (size < c->least) continue;
    if (size == c->least) {
      if (ties == 0) continue;
      ties -= 1;
    }
    if (counted[place / BLOCK] == 255) continue;
    counted[place / BLOCK] += 1;
    int32_t step = step_of(number, inverse);
    lows[sent] = (uint8_t)place;
    values[sent] = (uint8_t)(int8_t)step;
    src[place] = flush(number - (float)step * scale);
    sent += 1;
  }
  return end;
}

static const uint8_t *add_block(float *dst, const uint8_t *src, size_t n, size_t k) {
  size_t groups = (n + BLOCK - 1) / BLOCK, taken = 0;
  const uint8_t *lows = src + 4 + groups, *values = lows + k;
  float scale;
  memcpy(&scale, src, 4);
  scale = flush(scale);
  for (size_t group = 0; group < groups; group++) {
    size_t end = taken + src[4 + group];
    if (end > k) end = k;
    for (; taken < end; taken++) {
      size_t place = group * BLOCK + lows[taken];
      if (place < n) dst[place] = flush(flush(dst[place]) + (float)(int8_t)values[taken] * scale);
    }
  }
  return values + k;
}

KERNEL void sgd_(const float *p, float *next, const float *gradient, size_t n, float rate, float l2, float scale) {
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

KERNEL void adam_(const float *p, float *next, const float *gradient, const float *m, const float *v, float *next_m,
                  float *next_v, size_t n, float beta1, float rest1, float beta2, float rest2, float step, float root,
                  float epsilon, float decay, float l2, float scale) {
  EACH(n) {
    float at = p[i];
    float g = scale * gradient[i] + l2 * at;
    float first = flush(beta1 * m[i] + rest1 * g);
    float second = flush(beta2 * v[i] + (rest2 * g) * g);
    float moved = (step * first) / (sqrtf(second) * root + epsilon);
    float change = moved + decay * at;
    next_m[i] = first;
    next_v[i] = second;
    next[i] = flush(at - change);
  }
}

/* XXH64, seed 0: see assembly/digest.ts. */
#define PRIME1 0x9e3779b185ebca87ull
#define PRIME2 0xc2b2ae3d27d4eb4full
#define PRIME3 0x165667b19e3779f9ull
#define PRIME4 0x85ebca77c2b2ae63ull
#define PRIME5 0x27d4eb2f165667c5ull

struct digest {
  uint64_t lanes[4], total;
  uint8_t partial[32];
  size_t held;
};

static inline uint64_t turned(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
static inline uint64_t round_(uint64_t lane, uint64_t word) { return turned(lane + word * PRIME2, 31) * PRIME1; }
static inline uint64_t word_at(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

static void stripes(struct digest *d, const uint8_t *at, const uint8_t *end) {
  uint64_t a = d->lanes[0], b = d->lanes[1], c = d->lanes[2], e = d->lanes[3];
  for (; at < end; at += 32) {
    a = round_(a, word_at(at));
    b = round_(b, word_at(at + 8));
    c = round_(c, word_at(at + 16));
    e = round_(e, word_at(at + 24));
  }
  d->lanes[0] = a;
  d->lanes[1] = b;
  d->lanes[2] = c;
  d->lanes[3] = e;
}

static void feed(struct digest *d, const uint8_t *at, size_t bytes) {
  d->total += bytes;
  const uint8_t *end = at + bytes;
  if (d->held > 0) {
    size_t taken = 32 - d->held < bytes ? 32 - d->held : bytes;
    memcpy(d->partial + d->held, at, taken);
    d->held += taken;
    at += taken;
    if (d->held < 32) return;
    stripes(d, d->partial, d->partial + 32);
    d->held = 0;
  }
  size_t whole = (size_t)(end - at) & ~(size_t)31;
  stripes(d, at, at + whole);
  d->held = (size_t)(end - at) - whole;
  if (d->held > 0) memcpy(d->partial, at + whole, d->held);
}

static uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ round_(0, lane)) * PRIME1 + PRIME4; }

static uint64_t end_of(struct digest *d) {
  uint64_t *lanes = d->lanes, hash = PRIME5;
  if (d->total >= 32) {
    hash = turned(lanes[0], 1) + turned(lanes[1], 7) + turned(lanes[2], 12) + turned(lanes[3], 18);
    for (int lane = 0; lane < 4; lane++) hash = merge(hash, lanes[lane]);
  }
  hash += d->total;
  const uint8_t *at = d->partial, *end = at + d->held;
  for (; at + 8 <= end; at += 8) hash = turned(hash ^ round_(0, word_at(at)), 27) * PRIME1 + PRIME4;
  if (at + 4 <= end) {
    uint32_t word;
    memcpy(&word, at, 4);
    hash = turned(hash ^ (word * PRIME1), 23) * PRIME2 + PRIME3;
    at += 4;
  }
  for (; at < end; at++) hash = turned(hash ^ (*at * PRIME5), 11) * PRIME1;
  hash = (hash ^ (hash >> 33)) * PRIME2;
  hash = (hash ^ (hash >> 29)) * PRIME3;
  return hash ^ (hash >> 32);
}

/* What follows hands arguments over: the first is the base, the rest are offsets, lengths and factors, in order. */

#define MOST 24

static bool numbers(napi_env env, napi_callback_info info, size_t wanted, double *out) {
  napi_value args[MOST];
  size_t count = MOST;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < wanted) goto misused;
  for (size_t i = 0; i < wanted; i++)
    if (napi_get_value_double(env, args[i], &out[i]) != napi_ok) goto misused;
  return true;
misused:
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  return false;
}

#define AT(i) ((float *)((uintptr_t)x[0] + (uintptr_t)x[i]))
#define N(i) ((size_t)x[i])
#define F(i) ((float)x[i])

static napi_value add(napi_env env, napi_callback_info info) {
  double x[5];
  if (numbers(env, info, 5, x)) add_(AT(1), AT(2), AT(3), N(4));
  return NULL;
}

static napi_value add_bytes(napi_env env, napi_callback_info info) {
  napi_value args[4];
  size_t count = 4, length;
  double x[3];
  napi_typedarray_type type;
  void *data;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 4 ||
      napi_get_value_double(env, args[0], &x[0]) != napi_ok || napi_get_value_double(env, args[1], &x[1]) != napi_ok ||
      napi_get_value_double(env, args[2], &x[2]) != napi_ok ||
      napi_get_typedarray_info(env, args[3], &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array)
    napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  else
    add_(AT(1), AT(2), data, length / 4);
  return NULL;
}

static napi_value scale_into(napi_env env, napi_callback_info info) {
  double x[5];
  if (numbers(env, info, 5, x)) scale_(AT(1), AT(2), F(3), N(4));
  return NULL;
}

static napi_value accumulate(napi_env env, napi_callback_info info) {
  double x[5];
  if (numbers(env, info, 5, x)) accumulate_(AT(1), AT(2), F(3), N(4));
  return NULL;
}

static napi_value dot(napi_env env, napi_callback_info info) {
  double x[4];
  napi_value result;
  if (!numbers(env, info, 4, x)) return NULL;
  return napi_create_double(env, dot_(AT(1), AT(2), N(3)), &result) == napi_ok ? result : NULL;
}

/* All inner products of vectors: base, where they begin, how many numbers each has, the row-major products. */
static napi_value products(napi_env env, napi_callback_info info) {
  napi_value args[4];
  size_t count = 4, vectors, room;
  double base, n;
  napi_typedarray_type first, last;
  void *places, *result;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 4 ||
      napi_get_value_double(env, args[0], &base) != napi_ok || napi_get_value_double(env, args[2], &n) != napi_ok ||
      napi_get_typedarray_info(env, args[1], &first, &vectors, &places, NULL, NULL) != napi_ok ||
      napi_get_typedarray_info(env, args[3], &last, &room, &result, NULL, NULL) != napi_ok ||
      first != napi_float64_array || last != napi_float64_array || room < vectors * vectors) {
    napi_throw_type_error(env, NULL, "kernels: wrong arguments");
    return NULL;
  }
  const double *at = places;
  double *out = result;
#ifndef ONE_PROCESSOR
  if (vectors >= 4 && vectors <= 256 && __builtin_cpu_supports("avx512f")) {
    const float *wide[256];
    for (size_t i = 0; i < vectors; i++) wide[i] = (const float *)((uintptr_t)base + (uintptr_t)at[i]);
    if (wide_products(wide, vectors, (size_t)n, out)) return NULL;
  }
#endif
#define VECTOR(i) ((const float *)((uintptr_t)base + (uintptr_t)at[i]))
  /* Tiles of two rows and four columns; what is over at the end is computed with the last vector once more. */
  for (size_t row = 0; row < vectors; row += 2)
    for (size_t column = row; column < vectors; column += 4) {
      const float *a[2], *b[4];
      double tile[2][4];
      for (size_t r = 0; r < 2; r++) a[r] = VECTOR(row + r < vectors ? row + r : vectors - 1);
      for (size_t k = 0; k < 4; k++) b[k] = VECTOR(column + k < vectors ? column + k : vectors - 1);
      dots_(a, b, tile, (size_t)n);
      for (size_t r = 0; r < 2 && row + r < vectors; r++)
        for (size_t k = 0; k < 4 && column + k < vectors; k++)
          out[(row + r) * vectors + column + k] = out[(column + k) * vectors + row + r] = tile[r][k];
    }
#undef VECTOR
  return NULL;
}

static napi_value all_finite(napi_env env, napi_callback_info info) {
  double x[3];
  napi_value result;
  if (!numbers(env, info, 3, x)) return NULL;
  return napi_get_boolean(env, finite_(AT(1), N(2)), &result) == napi_ok ? result : NULL;
}

/* Arguments of all three: codec (bf16, fp16, int8), destination, source, numbers. */
static napi_value encode(napi_env env, napi_callback_info info) {
  double x[5];
  if (!numbers(env, info, 5, x)) return NULL;
  if (x[1] == 0) brain_encode_((uint16_t *)AT(2), AT(3), N(4));
  else if (x[1] == 1) half_encode_((uint16_t *)AT(2), AT(3), N(4));
  else int8_encode_((uint8_t *)AT(2), AT(3), N(4));
  return NULL;
}

static napi_value decode(napi_env env, napi_callback_info info) {
  double x[5];
  if (!numbers(env, info, 5, x)) return NULL;
  if (x[1] == 0) brain_decode_(AT(2), (const uint16_t *)AT(3), N(4));
  else if (x[1] == 1) half_decode_(AT(2), (const uint16_t *)AT(3), N(4));
  else int8_decode_(AT(2), (const uint8_t *)AT(3), N(4));
  return NULL;
}

static napi_value round_to(napi_env env, napi_callback_info info) {
  double x[5];
  if (!numbers(env, info, 5, x)) return NULL;
  if (x[1] == 0) brain_round_(AT(2), AT(3), N(4));
  else if (x[1] == 1) half_round_(AT(2), AT(3), N(4));
  else int8_round_(AT(2), AT(3), N(4));
  return NULL;
}

/* Arguments of both: destination, source, numbers, how many are kept of a whole block. */
static napi_value take_largest(napi_env env, napi_callback_info info) {
  double x[5];
  if (!numbers(env, info, 5, x)) return NULL;
  struct choice *room = malloc(sizeof *room);
  if (room == NULL) {
    napi_throw_error(env, NULL, "kernels: no memory");
    return NULL;
  }
  uint8_t *dst = (uint8_t *)AT(1);
  size_t n = N(3), kept = N(4);
  for (size_t from = 0; from < n; from += CHOICE) {
    size_t count = n - from < CHOICE ? n - from : CHOICE;
    dst = take_block(room, dst, AT(2) + from, count, kept_of(count, kept));
  }
  free(room);
  return NULL;
}

static napi_value add_largest(napi_env env, napi_callback_info info) {
  double x[5];
  if (!numbers(env, info, 5, x)) return NULL;
  const uint8_t *src = (const uint8_t *)AT(2);
  size_t n = N(3), kept = N(4);
  for (size_t from = 0; from < n; from += CHOICE) {
    size_t count = n - from < CHOICE ? n - from : CHOICE;
    src = add_block(AT(1) + from, src, count, kept_of(count, kept));
  }
  return NULL;
}

static napi_value sgd(napi_env env, napi_callback_info info) {
  double x[8];
  if (numbers(env, info, 8, x)) sgd_(AT(1), AT(2), AT(3), N(4), F(5), F(6), F(7));
  return NULL;
}

static napi_value momentum(napi_env env, napi_callback_info info) {
  double x[12];
  if (numbers(env, info, 12, x))
    momentum_(AT(1), AT(2), AT(3), AT(4), AT(5), N(6), F(7), F(8), x[9] != 0, F(10), F(11));
  return NULL;
}

static napi_value adam(napi_env env, napi_callback_info info) {
  double x[19];
  if (numbers(env, info, 19, x))
    adam_(AT(1), AT(2), AT(3), AT(4), AT(5), AT(6), AT(7), N(8), F(9), F(10), F(11), F(12), F(13), F(14), F(15), F(16),
          F(17), F(18));
  return NULL;
}

/* Of pieces laid end to end: each is a Uint8Array, or an address and a length. */
static napi_value digest(napi_env env, napi_callback_info info) {
  size_t count = 0;
  struct digest d = {.lanes = {PRIME1 + PRIME2, PRIME2, 0, 0 - PRIME1}};
  if (napi_get_cb_info(env, info, &count, NULL, NULL, NULL) != napi_ok) return NULL;
  napi_value *args = calloc(count + 1, sizeof *args), result = NULL;
  if (args == NULL || napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok) goto done;
  for (size_t i = 0; i < count; i++) {
    double at, bytes;
    napi_typedarray_type type;
    size_t length;
    void *data;
    if (napi_get_value_double(env, args[i], &at) == napi_ok) {
      i += 1;
      if (i == count || napi_get_value_double(env, args[i], &bytes) != napi_ok) goto misused;
      feed(&d, (const uint8_t *)(uintptr_t)at, (size_t)bytes);
    } else {
      if (napi_get_typedarray_info(env, args[i], &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array)
        goto misused;
      feed(&d, data, length);
    }
  }
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)end_of(&d));
  if (napi_create_string_latin1(env, text, 16, &result) != napi_ok) result = NULL;
  goto done;
misused:
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
done:
  free(args);
  return result;
}

KERNEL void gather_(float *to, const uint8_t *from, const float *table, size_t width) {
  for (size_t i = 0; i < width; i++) to[i] = table[from[i]];
}

/* Rows of bytes as numbers of a table: out, bytes, table, pairs of (row, place in out), width. */
static napi_value gather(napi_env env, napi_callback_info info) {
  static const napi_typedarray_type types[4] = {napi_float32_array, napi_uint8_array, napi_float32_array, napi_int32_array};
  napi_value args[5];
  size_t count = 5, lengths[4];
  void *data[4];
  double width;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 5 ||
      napi_get_value_double(env, args[4], &width) != napi_ok || !(width >= 1))
    goto misused;
  for (int i = 0; i < 4; i++) {
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env, args[i], &type, &lengths[i], &data[i], NULL, NULL) != napi_ok || type != types[i])
      goto misused;
  }
  if (lengths[2] != 256) goto misused;
  size_t w = (size_t)width;
  const int32_t *pairs = data[3];
  for (size_t i = 0; i + 1 < lengths[3]; i += 2) {
    if (pairs[i] < 0 || pairs[i + 1] < 0 || ((size_t)pairs[i] + 1) * w > lengths[1] ||
        ((size_t)pairs[i + 1] + 1) * w > lengths[0]) {
      napi_throw_range_error(env, NULL, "kernels: a row that is not there");
      return NULL;
    }
    gather_((float *)data[0] + pairs[i + 1] * w, (const uint8_t *)data[1] + pairs[i] * w, data[2], w);
  }
  return NULL;
misused:
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  return NULL;
}

static napi_value address(napi_env env, napi_callback_info info) {
  size_t count = 1, length;
  napi_value args[1], result;
  napi_typedarray_type type;
  void *data;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_typedarray_info(env, args[0], &type, &length, &data, NULL, NULL) != napi_ok) {
    napi_throw_type_error(env, NULL, "kernels: wrong arguments");
    return NULL;
  }
  return napi_create_double(env, (double)(uintptr_t)data, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"add", NULL, add, NULL, NULL, NULL, napi_enumerable, NULL},
      {"addBytes", NULL, add_bytes, NULL, NULL, NULL, napi_enumerable, NULL},
      {"scaleInto", NULL, scale_into, NULL, NULL, NULL, napi_enumerable, NULL},
      {"accumulate", NULL, accumulate, NULL, NULL, NULL, napi_enumerable, NULL},
      {"dot", NULL, dot, NULL, NULL, NULL, napi_enumerable, NULL},
      {"products", NULL, products, NULL, NULL, NULL, napi_enumerable, NULL},
      {"allFinite", NULL, all_finite, NULL, NULL, NULL, napi_enumerable, NULL},
      {"encode", NULL, encode, NULL, NULL, NULL, napi_enumerable, NULL},
      {"decode", NULL, decode, NULL, NULL, NULL, napi_enumerable, NULL},
      {"roundTo", NULL, round_to, NULL, NULL, NULL, napi_enumerable, NULL},
      {"takeLargest", NULL, take_largest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"addLargest", NULL, add_largest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"sgd", NULL, sgd, NULL, NULL, NULL, napi_enumerable, NULL},
      {"momentum", NULL, momentum, NULL, NULL, NULL, napi_enumerable, NULL},
      {"adam", NULL, adam, NULL, NULL, NULL, napi_enumerable, NULL},
      {"digest", NULL, digest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"gather", NULL, gather, NULL, NULL, NULL, napi_enumerable, NULL},
      {"address", NULL, address, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
`;

/** Whether it loads and adds; its bits are compared with the module's by each process that takes it. */
const check = `
const kernels = require(process.argv[1]);
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
const numbers = new Float32Array(memory.buffer, 64, 33);
numbers.fill(1.5);
const base = kernels.address(new Uint8Array(memory.buffer));
kernels.add(base, 64, 64, 64, 33);
if (!numbers.every((number) => number === 3)) throw new Error("1.5 + 1.5 is not 3 here");
memory.grow(1000);
if (kernels.address(new Uint8Array(memory.buffer)) !== base) throw new Error("memory moves as it grows");
if (kernels.digest() !== "ef46db3751d8e999") throw new Error("a digest of nothing is not XXH64's");
`;

/** Neither may change a bit: no fused multiply-add, no error numbers of the C library (which would keep `sqrtf` scalar). */
const exact = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"];

export const kernelsAddon: AddonSource = {
  ...{ name: "kernels", title: "sums and updates at this processor's speed" },
  ...{ source, check },
  // Not every compiler makes versions for several processors.
  flags: [exact, [...exact, "-DONE_PROCESSOR"]],
};
