import type { AddonSource } from "./addon-source.ts";

/**
 * A Node-API addon of seven functions, for memory that outlives its process and memory that two processes share
 * (libs/runtime/vault):
 * - `map(view, fd, offset)`: the pages under a view become those of a file, shared; what lay there is gone
 * - `reserve(fd, offset, bytes)`: the file gets room for certain, so that no write into a mapping can fail later
 * - `tryLock(fd)`: an exclusive lock that the system gives back when the process ends, however it ends
 * - `address(view)`: where a view lies, as a bigint
 * - `open(fd, bytes)`: a new ArrayBuffer that is the beginning of a file, shared with whoever else maps it
 * - `close(buffer)`: such a buffer becomes empty, and its pages are given back
 * - `keepFreed()`: what this process frees stays with it, to be used again; false where its allocator cannot be told
 * - `schedule(kind)`: 0: this thread, when it wakes, waits for whoever runs; 1: it asks for short turns, and so for early
 *   ones; false where the system has no such word
 *
 * Failures of the system are thrown with its error number, as text, in `code`.
 */
const source = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#ifdef __GLIBC__
#include <limits.h>
#include <malloc.h>
#endif
#include <unistd.h>
#include <node_api.h>

#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif

static napi_value fail(napi_env env, const char *call, int number) {
  char code[16], text[256];
  snprintf(code, sizeof code, "%d", number);
  snprintf(text, sizeof text, "%s: %s", call, strerror(number));
  napi_throw_error(env, code, text);
  return NULL;
}

static bool bytes_of(napi_env env, napi_value value, void **data, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

static napi_value misused(napi_env env) {
  napi_throw_type_error(env, NULL, "page_map: wrong arguments");
  return NULL;
}

static napi_value map(napi_env env, napi_callback_info info) {
  size_t count = 3, length;
  napi_value args[3];
  void *data;
  int32_t fd;
  int64_t offset;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 3 ||
      !bytes_of(env, args[0], &data, &length) || napi_get_value_int32(env, args[1], &fd) != napi_ok ||
      napi_get_value_int64(env, args[2], &offset) != napi_ok)
    return misused(env);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if ((uintptr_t)data % page != 0 || length % page != 0 || length == 0) return fail(env, "mmap", EINVAL);
  int flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
  if (mmap(data, length, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset) == MAP_FAILED) return fail(env, "mmap", errno);
  return NULL;
}

static napi_value reserve(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value args[3];
  int32_t fd;
  int64_t offset, bytes;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 3 ||
      napi_get_value_int32(env, args[0], &fd) != napi_ok || napi_get_value_int64(env, args[1], &offset) != napi_ok ||
      napi_get_value_int64(env, args[2], &bytes) != napi_ok)
    return misused(env);
#ifdef __APPLE__
  fstore_t room = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, (off_t)(offset + bytes), 0};
  if (fcntl(fd, F_PREALLOCATE, &room) == -1) return fail(env, "F_PREALLOCATE", errno);
  if (ftruncate(fd, (off_t)(offset + bytes)) == -1) return fail(env, "ftruncate", errno);
#else
  int number = posix_fallocate(fd, (off_t)offset, (off_t)bytes);
  if (number != 0) return fail(env, "posix_fallocate", number);
#endif
  return NULL;
}

static napi_value try_lock(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1], result;
  int32_t fd;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_int32(env, args[0], &fd) != napi_ok)
    return misused(env);
  bool held = flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (!held && errno != EWOULDBLOCK) return fail(env, "flock", errno);
  return napi_get_boolean(env, held, &result) == napi_ok ? result : NULL;
}

static napi_value address(napi_env env, napi_callback_info info) {
  size_t count = 1, length;
  napi_value args[1], result;
  void *data;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      !bytes_of(env, args[0], &data, &length))
    return misused(env);
  return napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)data, &result) == napi_ok ? result : NULL;
}

static void unmap(napi_env env, void *data, void *length) {
  (void)env;
  munmap(data, (size_t)(uintptr_t)length);
}

static napi_value open_buffer(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value args[2], result;
  int32_t fd;
  int64_t bytes;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_int32(env, args[0], &fd) != napi_ok || napi_get_value_int64(env, args[1], &bytes) != napi_ok ||
      bytes <= 0)
    return misused(env);
  void *data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (data == MAP_FAILED) return fail(env, "mmap", errno);
  void *hint = (void *)(uintptr_t)bytes;
  if (napi_create_external_arraybuffer(env, data, (size_t)bytes, unmap, hint, &result) == napi_ok) return result;
  munmap(data, (size_t)bytes);
  return fail(env, "external memory", ENOTSUP);
}

static napi_value close_buffer(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1];
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      napi_detach_arraybuffer(env, args[0]) != napi_ok)
    return misused(env);
  return NULL;
}

static napi_value keep_freed(napi_env env, napi_callback_info info) {
  (void)info;
  bool told = false;
#ifdef __GLIBC__
  /* All threads allocate from one heap, for that of another thread is unmapped as soon as nothing of it is in use. */
  told = mallopt(M_MMAP_MAX, 0) == 1 && mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1 && mallopt(M_ARENA_MAX, 1) == 1;
#endif
  napi_value result;
  return napi_get_boolean(env, told, &result) == napi_ok ? result : NULL;
}

/* Of Linux: not every C library has it. Systems before 6.12 do not look at the length of a turn. */
struct turns {
  uint32_t size, policy;
  uint64_t flags;
  int32_t niceness;
  uint32_t priority;
  uint64_t turn_ns, deadline, period;
};

static napi_value schedule(napi_env env, napi_callback_info info) {
  bool told = false;
  napi_value args[1], result;
  size_t count = 1;
  int32_t kind;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_int32(env, args[0], &kind) != napi_ok) {
    napi_throw_type_error(env, NULL, "page_map: wrong arguments");
    return NULL;
  }
#if defined(SCHED_BATCH) && defined(SYS_sched_setattr)
  struct turns turns = {.size = sizeof turns, .policy = kind == 0 ? SCHED_BATCH : SCHED_OTHER};
  turns.niceness = getpriority(PRIO_PROCESS, 0);
  /* The shortest there is; 0 is the ordinary length. */
  turns.turn_ns = kind == 0 ? 0 : 100000;
  told = syscall(SYS_sched_setattr, 0, &turns, 0) == 0;
#endif
  return napi_get_boolean(env, told, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"map", NULL, map, NULL, NULL, NULL, napi_enumerable, NULL},
      {"reserve", NULL, reserve, NULL, NULL, NULL, napi_enumerable, NULL},
      {"tryLock", NULL, try_lock, NULL, NULL, NULL, napi_enumerable, NULL},
      {"address", NULL, address, NULL, NULL, NULL, napi_enumerable, NULL},
      {"open", NULL, open_buffer, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_buffer, NULL, NULL, NULL, napi_enumerable, NULL},
      {"keepFreed", NULL, keep_freed, NULL, NULL, NULL, napi_enumerable, NULL},
      {"schedule", NULL, schedule, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
`;

/**
 * Bytes written into WebAssembly memory must be in the file, and stay there when the memory grows; and what is written into one mapping of
 * a file must be seen in another.
 */
const check = `
const fs = require("fs");
const addon = require(process.argv[1]);
const fd = fs.openSync(process.argv[2], "w+");
const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 });
addon.reserve(fd, 65536, 65536);
if (!addon.tryLock(fd)) throw new Error("no lock");
addon.map(new Uint8Array(memory.buffer, 65536, 65536), fd, 65536);
new Uint8Array(memory.buffer)[65536] = 1;
const before = addon.address(new Uint8Array(memory.buffer));
memory.grow(1000);
new Uint8Array(memory.buffer)[65537] = 2;
if (addon.address(new Uint8Array(memory.buffer)) !== before) throw new Error("memory moves as it grows");
const bytes = Buffer.alloc(2);
fs.readSync(fd, bytes, 0, 2, 65536);
if (bytes[0] !== 1 || bytes[1] !== 2) throw new Error("what is written into memory is not in the file");
const one = addon.open(fd, 131072), other = addon.open(fd, 131072);
new Uint8Array(one)[7] = 3;
Atomics.store(new BigUint64Array(one), 9, 5n);
if (new Uint8Array(other)[7] !== 3 || Atomics.load(new BigUint64Array(other), 9) !== 5n)
  throw new Error("two mappings of a file differ");
addon.keepFreed();
addon.schedule(0);
addon.schedule(1);
addon.close(one);
if (one.byteLength !== 0) throw new Error("a mapping is still there");
`;

export const pageMapAddon: AddonSource = {
  ...{ name: "page_map", title: "memory that outlives its process" },
  ...{ source, check },
  flags: [["-O2"]],
};
