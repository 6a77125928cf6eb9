/** What can be shared among threads: passes over blocks, products of several, whether numbers are finite. */
export const passes = `/* As block-pass.ts in libs/foundation/arithmetic has it. */
#define PASS 16384

struct pass {
  uintptr_t base;
  const double *words;
  size_t length, n, scratch;
  /* All that is done first is to scale into the scratch and to update by that: both at once then, to the same bits. */
  bool scaled;
};

/* By code: pointers, and numbers after them. */
static const size_t pointers_of[] = {2, 2, 3, 5, 7, 1}, factors_of[] = {1, 1, 3, 5, 10, 1};
#define OPERATIONS (sizeof pointers_of / sizeof *pointers_of)

static void pass_block(const void *of, size_t block, size_t thread) {
  const struct pass *pass = of;
  size_t from = block * PASS, n = pass->n - from < PASS ? pass->n - from : PASS;
  const double *word = pass->words, *end = word + pass->length;
  float by = 1;
  if (pass->scaled) {
    by = (float)word[3];
    word += 4;
  }
  while (word < end) {
    size_t code = (size_t)*word++, pointers = pointers_of[code];
    float *at[7];
    for (size_t i = 0; i < pointers; i++) {
      size_t pointer = (size_t)*word++;
      bool own = pointer >= pass->scratch && pointer < pass->scratch + PASS * sizeof(float);
      at[i] = (float *)(pass->base + pointer) + (own ? thread * PASS : from);
    }
    const double *x = word;
    word += factors_of[code];
#define F(i) ((float)x[i])
    if (code == 0) scale_(at[0], at[1], F(0), n);
    else if (code == 1) accumulate_(at[0], at[1], F(0), n);
    else if (code == 2) sgd_(at[0], at[1], at[2], n, F(0), F(1), F(2));
    else if (code == 3) momentum_(at[0], at[1], at[2], at[3], at[4], n, F(0), F(1), x[2] != 0, F(3), F(4));
    else if (code == 5) {
      struct digest d = opened_digest;
      feed(&d, (const uint8_t *)at[0], n * sizeof(float));
      ((uint64_t *)(pass->base + (size_t)x[0]))[block] = end_of(&d);
    } else if (pass->scaled)
      scaled_adam_(at[0], at[1], (const float *)(pass->base + (size_t)pass->words[2]) + from, by, at[3], at[4], at[5],
                   at[6], n, F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9));
    else
      adam_(at[0], at[1], at[2], at[3], at[4], at[5], at[6], n, F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8),
            F(9));
#undef F
  }
}

/* Scaled into the scratch, which is the gradient of one Adam; then nothing but digests of something else. */
static bool is_scaled_adam(const struct pass *pass) {
  const double *word = pass->words, scratch = (double)pass->scratch;
  const size_t scale = 4, adam = 1 + 7 + 10, digest = 3;
  if (pass->length < scale + adam || (pass->length - scale - adam) % digest != 0) return false;
  if (word[0] != 0 || word[1] != scratch || word[2] == scratch || word[scale] != 4) return false;
  for (size_t i = 0; i < 7; i++)
    if ((word[scale + 1 + i] == scratch) != (i == 2)) return false;
  for (size_t at = scale + adam; at < pass->length; at += digest)
    if (word[at] != 5 || word[at + 1] == scratch) return false;
  return true;
}

/* @returns whether the words are whole operations */
static bool is_pass(const double *words, size_t length) {
  size_t at = 0;
  while (at < length) {
    double code = words[at];
    if (!(code >= 0 && code < OPERATIONS)) return false;
    at += 1 + pointers_of[(size_t)code] + factors_of[(size_t)code];
  }
  return at == length;
}

static void products_(uintptr_t base, const double *at, size_t count, size_t n, double *out) {
#ifndef ONE_PROCESSOR
  if (count >= 4 && __builtin_cpu_supports("avx512f") && wide_products(base, at, count, n, out)) return;
#endif
  paired_products(base, at, count, n, out);
}

struct products_of {
  uintptr_t base;
  /* Where each begins in the words, and its results. */
  const double *const *words;
  double *const *results;
};

static void products_part(const void *of, size_t i, size_t thread) {
  (void)thread;
  const struct products_of *all = of;
  const double *words = all->words[i];
  products_(all->base, words + 2, (size_t)words[0], (size_t)words[1], all->results[i]);
}

struct finite_of {
  const float *at;
  size_t n;
  atomic_bool *odd;
};

static void finite_part(const void *of, size_t i, size_t thread) {
  (void)thread;
  const struct finite_of *all = of;
  size_t from = i * 4 * PASS, n = all->n - from < 4 * PASS ? all->n - from : 4 * PASS;
  if (!atomic_load(all->odd) && !finite_(all->at + from, n)) atomic_store(all->odd, true);
}

static bool all_finite_(const float *at, size_t n) {
  atomic_bool odd = false;
  struct finite_of all = {.at = at, .n = n, .odd = &odd};
  share(finite_part, &all, (n + 4 * PASS - 1) / (4 * PASS));
  return !odd;
}

`;
