/** bf16, fp16 and int8. */
export const codecs = `/* Codecs: see assembly/codec.ts. */
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

`;
