/** The largest numbers of blocks. */
export const largest = `/* The largest numbers: see assembly/largest.ts. */
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

`;
