/** XXH64. */
export const digests = `/* XXH64, seed 0: see assembly/digest.ts. */
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

static const struct digest opened_digest = {.lanes = {PRIME1 + PRIME2, PRIME2, 0, 0 - PRIME1}};

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

`;
