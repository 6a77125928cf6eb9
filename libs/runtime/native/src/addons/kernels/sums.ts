/** Sums, inner products, and whether numbers are finite. */
export const sums = `#include <math.h>
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

/* The order in which eight running sums become one. */
static inline double total(const double s[8]) { return ((s[0] + s[2]) + (s[4] + s[6])) + ((s[1] + s[3]) + (s[5] + s[7])); }

KERNEL double dot_(const float *a, const float *b, size_t n) {
  double s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  size_t whole = n & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8)
    for (size_t j = 0; j < 8; j++) s[j] += (double)a[i + j] * (double)b[i + j];
  for (size_t i = whole; i < n; i++) s[i - whole] += (double)a[i] * (double)b[i];
  return total(s);
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
  out[0][0] = total(ac), out[0][1] = total(ad), out[0][2] = total(ae), out[0][3] = total(af);
  out[1][0] = total(bc), out[1][1] = total(bd), out[1][2] = total(be), out[1][3] = total(bf);
}

/* Vectors by where they begin; beyond the last one, which tiles at the end reach, it is that one once more. */
#define VECTOR(i) ((const float *)(base + (uintptr_t)at[i]))
#define LAST(i) ((i) < count ? (i) : count - 1)

/* All products, row by row, in tiles of two rows and four columns. */
static void paired_products(uintptr_t base, const double *at, size_t count, size_t n, double *out) {
  for (size_t row = 0; row < count; row += 2)
    for (size_t column = row; column < count; column += 4) {
      const float *a[2], *b[4];
      double tile[2][4];
      for (size_t r = 0; r < 2; r++) a[r] = VECTOR(LAST(row + r));
      for (size_t k = 0; k < 4; k++) b[k] = VECTOR(LAST(column + k));
      dots_(a, b, tile, n);
      for (size_t r = 0; r < 2 && row + r < count; r++)
        for (size_t k = 0; k < 4 && column + k < count; k++)
          out[(row + r) * count + column + k] = out[(column + k) * count + row + r] = tile[r][k];
    }
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

/* Meanwhile memory is asked for what two of the vectors have next: many streams in short pieces are not foreseen by it. */
WIDE static void tile_(const lanes *const rows[4], const lanes *const columns[4], lanes *const sums[4][4], size_t n,
                       const float *const ahead[2]) {
  lanes s[4][4];
#define EACH_SUM _Pragma("GCC unroll 4") for (size_t r = 0; r < 4; r++) _Pragma("GCC unroll 4") for (size_t k = 0; k < 4; k++)
  EACH_SUM s[r][k] = *sums[r][k];
  for (size_t i = 0; i < n; i++) {
    __builtin_prefetch(ahead[0] + 8 * i);
    __builtin_prefetch(ahead[1] + 8 * i);
    EACH_SUM s[r][k] += rows[r][i] * columns[k][i];
  }
  EACH_SUM *sums[r][k] = s[r][k];
#undef EACH_SUM
}

/* @returns whether there was memory for it */
static bool wide_products(uintptr_t base, const double *at, size_t count, size_t n, double *out) {
  size_t side = (count + 3) & ~(size_t)3;
  lanes *sums = aligned_alloc(64, side * side * sizeof(lanes));
  double *pieces = aligned_alloc(64, side * PIECE * sizeof(double));
  bool isThere = sums != NULL && pieces != NULL;
  if (isThere) memset(sums, 0, side * side * sizeof(lanes));
  for (size_t from = 0; isThere && from < n; from += PIECE) {
    size_t numbers = n - from < PIECE ? n - from : PIECE;
    for (size_t i = 0; i < count; i++) widen_(pieces + i * PIECE, VECTOR(i) + from, numbers);
    size_t next = 0;
    for (size_t row = 0; row < count; row += 4)
      for (size_t column = row; column < count; column += 4) {
        const float *ahead[2];
        for (size_t j = 0; j < 2; j++) ahead[j] = VECTOR(next++ % count) + from + PIECE;
        const lanes *a[4], *b[4];
        lanes *into[4][4];
        for (size_t r = 0; r < 4; r++) a[r] = (const lanes *)(pieces + LAST(row + r) * PIECE);
        for (size_t k = 0; k < 4; k++) b[k] = (const lanes *)(pieces + LAST(column + k) * PIECE);
        for (size_t r = 0; r < 4; r++)
          for (size_t k = 0; k < 4; k++) into[r][k] = sums + (row + r) * side + column + k;
        tile_(a, b, into, (numbers + 7) / 8, ahead);
      }
  }
  for (size_t row = 0; isThere && row < count; row++)
    for (size_t column = row; column < count; column++)
      out[row * count + column] = out[column * count + row] = total((const double *)(sums + row * side + column));
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

`;
