/** What JavaScript calls, and how its arguments become those of the kernels. */
export const bindings = `/* What follows hands arguments over: the first is the base, the rest are offsets, lengths and factors, in order. */

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

static bool bytes_of(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  napi_typedarray_type type;
  void *at;
  if (napi_get_typedarray_info(env, value, &type, length, &at, NULL, NULL) != napi_ok || type != napi_uint8_array)
    return false;
  *data = at;
  return true;
}

/* Of an open digest: bytes that JavaScript keeps. */
static struct digest *state_of(napi_env env, napi_value value) {
  uint8_t *data;
  size_t length;
  bool is_state = bytes_of(env, value, &data, &length) && length >= sizeof(struct digest);
  return is_state && (uintptr_t)data % _Alignof(struct digest) == 0 ? (struct digest *)data : NULL;
}

/* Where to: as it is, or added to what is at a; what the digest is fed is in cache for it then. */
static void take_fed(float *dst, const float *a, const uint8_t *data, size_t length, struct digest *fed) {
  for (size_t from = 0; from < length; from += PASS * sizeof(float)) {
    size_t part = length - from < PASS * sizeof(float) ? length - from : PASS * sizeof(float), at = from / sizeof(float);
    if (fed != NULL) feed(fed, data + from, part);
    if (a == NULL) memcpy(dst + at, data + from, part);
    else add_(dst + at, a + at, (const float *)(data + from), part / sizeof(float));
  }
}

/* The arguments: base, as many offsets, bytes, and perhaps the state of a digest. */
static bool taken(napi_env env, napi_callback_info info, size_t offsets, double *x, uint8_t **data, size_t *length,
                  struct digest **fed) {
  napi_value args[5];
  size_t count = 5;
  napi_valuetype kind = napi_undefined;
  *fed = NULL;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < offsets + 2) goto misused;
  for (size_t i = 0; i <= offsets; i++)
    if (napi_get_value_double(env, args[i], &x[i]) != napi_ok) goto misused;
  if (!bytes_of(env, args[offsets + 1], data, length)) goto misused;
  if (count > offsets + 2 && napi_typeof(env, args[offsets + 2], &kind) != napi_ok) goto misused;
  if (kind != napi_undefined && (*fed = state_of(env, args[offsets + 2])) == NULL) goto misused;
  return true;
misused:
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  return false;
}

static napi_value add_bytes(napi_env env, napi_callback_info info) {
  double x[3];
  uint8_t *data;
  size_t length;
  struct digest *fed;
  if (taken(env, info, 2, x, &data, &length, &fed)) take_fed(AT(1), AT(2), data, length, fed);
  return NULL;
}

static napi_value take_bytes(napi_env env, napi_callback_info info) {
  double x[2];
  uint8_t *data;
  size_t length;
  struct digest *fed;
  if (taken(env, info, 1, x, &data, &length, &fed)) take_fed(AT(1), NULL, data, length, fed);
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

/* All inner products of several sets of vectors, which threads share: base, for each how many vectors, their length, where they begin; results. */
static napi_value products_of_each(napi_env env, napi_callback_info info) {
  napi_value args[3];
  size_t count = 3, length, room, parts = 0, needed = 0;
  double base;
  napi_typedarray_type first, last;
  void *words, *result;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 3 ||
      napi_get_value_double(env, args[0], &base) != napi_ok ||
      napi_get_typedarray_info(env, args[1], &first, &length, &words, NULL, NULL) != napi_ok ||
      napi_get_typedarray_info(env, args[2], &last, &room, &result, NULL, NULL) != napi_ok ||
      first != napi_float64_array || last != napi_float64_array)
    goto misused;
  const double *all = words;
  size_t at = 0;
  for (; at < length; at += 2 + (size_t)all[at], parts++) needed += (size_t)all[at] * (size_t)all[at];
  if (at != length || needed > room) goto misused;
  const double **of = calloc(parts + 1, sizeof *of);
  double **results = calloc(parts + 1, sizeof *results);
  if (of == NULL || results == NULL) napi_throw_error(env, NULL, "kernels: no memory");
  else {
    double *next = result;
    at = 0;
    for (size_t i = 0; i < parts; i++) {
      of[i] = all + at;
      results[i] = next;
      next += (size_t)all[at] * (size_t)all[at];
      at += 2 + (size_t)all[at];
    }
    struct products_of shared = {.base = (uintptr_t)base, .words = of, .results = results};
    share(products_part, &shared, parts);
  }
  free(of);
  free(results);
  return NULL;
misused:
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  return NULL;
}

/* Base, what is done to each block, how many numbers, room of a block for each thread. */
static napi_value pass(napi_env env, napi_callback_info info) {
  napi_value args[4];
  size_t count = 4, length;
  double base, n, scratch;
  napi_typedarray_type type;
  void *words;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 4 ||
      napi_get_value_double(env, args[0], &base) != napi_ok || napi_get_value_double(env, args[2], &n) != napi_ok ||
      napi_get_value_double(env, args[3], &scratch) != napi_ok ||
      napi_get_typedarray_info(env, args[1], &type, &length, &words, NULL, NULL) != napi_ok ||
      type != napi_float64_array || !is_pass(words, length)) {
    napi_throw_type_error(env, NULL, "kernels: wrong arguments");
    return NULL;
  }
  struct pass shared = {
      .base = (uintptr_t)base, .words = words, .length = length, .n = (size_t)n, .scratch = (size_t)scratch};
  shared.scaled = is_scaled_adam(&shared);
  share(pass_block, &shared, (shared.n + PASS - 1) / PASS);
  return NULL;
}

static napi_value use_threads_(napi_env env, napi_callback_info info) {
  double x[1];
  napi_value result;
  if (!numbers(env, info, 1, x)) return NULL;
  size_t there = use_threads(x[0] < 1 ? 1 : (size_t)x[0]);
  return napi_create_double(env, (double)there, &result) == napi_ok ? result : NULL;
}

static napi_value all_finite(napi_env env, napi_callback_info info) {
  double x[3];
  napi_value result;
  if (!numbers(env, info, 3, x)) return NULL;
  return napi_get_boolean(env, all_finite_(AT(1), N(2)), &result) == napi_ok ? result : NULL;
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

static napi_value digest_text(napi_env env, struct digest *d) {
  napi_value result;
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)end_of(d));
  return napi_create_string_latin1(env, text, 16, &result) == napi_ok ? result : NULL;
}

/* The first argument is the state, the second what it is fed, where it is. */
static struct digest *opened(napi_env env, napi_callback_info info, size_t wanted, uint8_t **data, size_t *length) {
  napi_value args[2];
  size_t count = 2;
  struct digest *d = NULL;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok && count >= wanted) d = state_of(env, args[0]);
  if (d != NULL && (wanted < 2 || bytes_of(env, args[1], data, length))) return d;
  napi_throw_type_error(env, NULL, "kernels: wrong arguments");
  return NULL;
}

static napi_value open_digest(napi_env env, napi_callback_info info) {
  struct digest *d = opened(env, info, 1, NULL, NULL);
  if (d != NULL) *d = opened_digest;
  return NULL;
}

static napi_value feed_digest(napi_env env, napi_callback_info info) {
  uint8_t *data;
  size_t length;
  struct digest *d = opened(env, info, 2, &data, &length);
  if (d != NULL) feed(d, data, length);
  return NULL;
}

static napi_value end_digest(napi_env env, napi_callback_info info) {
  struct digest *d = opened(env, info, 1, NULL, NULL);
  return d == NULL ? NULL : digest_text(env, d);
}

/* Of pieces laid end to end: each is a Uint8Array, or an address and a length. */
static napi_value digest(napi_env env, napi_callback_info info) {
  size_t count = 0;
  struct digest d = opened_digest;
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
  result = digest_text(env, &d);
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
      {"takeBytes", NULL, take_bytes, NULL, NULL, NULL, napi_enumerable, NULL},
      {"openDigest", NULL, open_digest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"feedDigest", NULL, feed_digest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"endDigest", NULL, end_digest, NULL, NULL, NULL, napi_enumerable, NULL},
      {"scaleInto", NULL, scale_into, NULL, NULL, NULL, napi_enumerable, NULL},
      {"accumulate", NULL, accumulate, NULL, NULL, NULL, napi_enumerable, NULL},
      {"dot", NULL, dot, NULL, NULL, NULL, napi_enumerable, NULL},
      {"productsOfEach", NULL, products_of_each, NULL, NULL, NULL, napi_enumerable, NULL},
      {"pass", NULL, pass, NULL, NULL, NULL, napi_enumerable, NULL},
      {"useThreads", NULL, use_threads_, NULL, NULL, NULL, napi_enumerable, NULL},
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
