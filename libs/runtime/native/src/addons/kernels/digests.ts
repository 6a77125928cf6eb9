/** XXH3 of 64 bits. */
export const digests = `/* XXH3 of 64 bits, seed 0: see assembly/digest.ts. */
#ifdef __clang__
#define SWAPPED(word) __builtin_shufflevector(word, word, 1, 0, 3, 2)
#else
#define SWAPPED(word) __builtin_shuffle(word, (lanes4){1, 0, 3, 2})
#endif
#define PRIME32_1 0x9e3779b1ull
#define PRIME32_2 0x85ebca77ull
#define PRIME32_3 0xc2b2ae3dull
#define PRIME64_1 0x9e3779b185ebca87ull
#define PRIME64_2 0xc2b2ae3d27d4eb4full
#define PRIME64_3 0x165667b19e3779f9ull
#define PRIME64_4 0x85ebca77c2b2ae63ull
#define PRIME64_5 0x27d4eb2f165667c5ull

enum { DIGEST_STRIPE = 64, DIGEST_BLOCK = 16, DIGEST_HELD = 256, DIGEST_LONG = 240 };

struct digest {
  uint64_t lanes[8], total, held;
  /* Of a block, how many stripes are in the lanes. */
  uint64_t stripes;
  /* What is not in the lanes yet; at its end, the last stripe that is. */
  uint8_t tail[DIGEST_HELD];
};

static const struct digest opened_digest = {
    .lanes = {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1}};

static const uint8_t secret[192] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e};

static inline uint64_t word_at(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

static inline uint32_t half_word_at(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, 4);
  return word;
}

/* Half of them: compilers make good vectors of that for every processor. */
typedef uint64_t lanes4 __attribute__((vector_size(32), aligned(1), may_alias));

/* Whole stripes, and a turn of the lanes after each block of them. @returns how many of a block are in the lanes then */
KERNEL size_t stripes_(uint64_t *lanes, size_t before, const uint8_t *at, size_t stripes) {
  lanes4 sums[2];
  memcpy(sums, lanes, sizeof sums);
  while (stripes > 0) {
    size_t now = DIGEST_BLOCK - before < stripes ? DIGEST_BLOCK - before : stripes;
    stripes -= now;
    for (size_t end = before + now; before < end; before++, at += DIGEST_STRIPE)
      for (size_t i = 0; i < 2; i++) {
        lanes4 word = *((const lanes4 *)at + i), keyed = word ^ *((const lanes4 *)(secret + 8 * before) + i);
        sums[i] += SWAPPED(word) + (keyed & 0xffffffffull) * (keyed >> 32);
      }
    if (before < DIGEST_BLOCK) break;
    for (size_t i = 0; i < 2; i++)
      sums[i] = (sums[i] ^ (sums[i] >> 47) ^ *((const lanes4 *)(secret + sizeof secret - DIGEST_STRIPE) + i)) * PRIME32_1;
    before = 0;
  }
  memcpy(lanes, sums, sizeof sums);
  return before;
}

static void feed(struct digest *d, const uint8_t *at, size_t bytes) {
  d->total += bytes;
  if (d->held + bytes <= DIGEST_HELD) {
    memcpy(d->tail + d->held, at, bytes);
    d->held += bytes;
    return;
  }
  if (d->held > 0) {
    size_t taken = DIGEST_HELD - d->held;
    memcpy(d->tail + d->held, at, taken);
    at += taken;
    bytes -= taken;
    d->stripes = stripes_(d->lanes, d->stripes, d->tail, DIGEST_HELD / DIGEST_STRIPE);
  }
  /* The last byte stays: the last stripe is summed otherwise. */
  if (bytes > DIGEST_STRIPE) {
    size_t whole = (bytes - 1) / DIGEST_STRIPE;
    d->stripes = stripes_(d->lanes, d->stripes, at, whole);
    at += whole * DIGEST_STRIPE;
    bytes -= whole * DIGEST_STRIPE;
    memcpy(d->tail + DIGEST_HELD - DIGEST_STRIPE, at - DIGEST_STRIPE, DIGEST_STRIPE);
  }
  memcpy(d->tail, at, bytes);
  d->held = bytes;
}

static inline uint64_t product(uint64_t a, uint64_t b) {
  unsigned __int128 whole = (unsigned __int128)a * b;
  return (uint64_t)whole ^ (uint64_t)(whole >> 64);
}

static inline uint64_t turned(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
static inline uint64_t mixed(const uint8_t *at, size_t key) {
  return product(word_at(at) ^ word_at(secret + key), word_at(at + 8) ^ word_at(secret + key + 8));
}
static inline uint64_t avalanche(uint64_t x) {
  x = (x ^ (x >> 37)) * 0x165667919e3779f9ull;
  return x ^ (x >> 32);
}
static inline uint64_t older_avalanche(uint64_t x) {
  x = (x ^ (x >> 33)) * PRIME64_2;
  x = (x ^ (x >> 29)) * PRIME64_3;
  return x ^ (x >> 32);
}
static inline uint64_t key_of(size_t first) { return word_at(secret + first) ^ word_at(secret + first + 8); }

/* Up to 16 bytes. */
static uint64_t end_of_few(const uint8_t *at, size_t n) {
  if (n > 8) {
    uint64_t low = word_at(at) ^ key_of(24), high = word_at(at + n - 8) ^ key_of(40);
    return avalanche(n + __builtin_bswap64(low) + high + product(low, high));
  }
  if (n >= 4) {
    uint64_t x = (half_word_at(at + n - 4) + ((uint64_t)half_word_at(at) << 32)) ^ key_of(8);
    x = (x ^ turned(x, 49) ^ turned(x, 24)) * 0x9fb21c651e98df25ull;
    x = (x ^ ((x >> 35) + n)) * 0x9fb21c651e98df25ull;
    return x ^ (x >> 28);
  }
  if (n == 0) return older_avalanche(key_of(56));
  uint32_t x = ((uint32_t)at[0] << 16) | ((uint32_t)at[n >> 1] << 24) | at[n - 1] | ((uint32_t)n << 8);
  return older_avalanche((uint64_t)(x ^ half_word_at(secret) ^ half_word_at(secret + 4)));
}

static uint64_t end_of(const struct digest *d) {
  const uint8_t *at = d->tail;
  size_t n = d->total;
  if (n <= 16) return end_of_few(at, n);
  uint64_t sum = n * PRIME64_1;
  if (n <= 128) {
    for (size_t pair = (n - 1) / 32 + 1; pair-- > 0;)
      sum += mixed(at + 16 * pair, 32 * pair) + mixed(at + n - 16 * (pair + 1), 32 * pair + 16);
    return avalanche(sum);
  }
  if (n <= DIGEST_LONG) {
    for (size_t i = 0; i < 8; i++) sum += mixed(at + 16 * i, 16 * i);
    sum = avalanche(sum);
    for (size_t i = 8; i < n / 16; i++) sum += mixed(at + 16 * i, 16 * (i - 8) + 3);
    return avalanche(sum + mixed(at + n - 16, 136 - 17));
  }
  uint64_t lanes[8];
  uint8_t last[DIGEST_STRIPE];
  memcpy(lanes, d->lanes, sizeof lanes);
  if (d->held >= DIGEST_STRIPE) {
    stripes_(lanes, d->stripes, at, (d->held - 1) / DIGEST_STRIPE);
    memcpy(last, at + d->held - DIGEST_STRIPE, DIGEST_STRIPE);
  } else {
    memcpy(last, at + DIGEST_HELD - (DIGEST_STRIPE - d->held), DIGEST_STRIPE - d->held);
    memcpy(last + DIGEST_STRIPE - d->held, at, d->held);
  }
  for (int i = 0; i < 8; i++) {
    uint64_t word = word_at(last + 8 * i), keyed = word ^ word_at(secret + sizeof secret - DIGEST_STRIPE - 7 + 8 * i);
    lanes[i ^ 1] += word;
    lanes[i] += (keyed & 0xffffffffull) * (keyed >> 32);
  }
  for (int i = 0; i < 4; i++)
    sum += product(lanes[2 * i] ^ word_at(secret + 11 + 16 * i), lanes[2 * i + 1] ^ word_at(secret + 19 + 16 * i));
  return avalanche(sum);
}

`;
