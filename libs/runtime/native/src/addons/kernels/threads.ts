/** Work in parts that do not depend on each other, shared among threads of the process. */
export const threads = `#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define MOST_THREADS 8

struct shared_work {
  /* Part i, by this thread: 0 is the caller. */
  void (*part)(const void *of, size_t i, size_t thread);
  const void *of;
  size_t count;
  atomic_size_t next;
};

/* Helpers sleep until there is work, and take parts until there are none. They live as long as the process. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  /* Under the lock. */
  struct shared_work *work;
  unsigned long turn;
  size_t helpers;
  /* Helpers that hold the work. */
  atomic_size_t busy;
  /* Held by whoever shares work: another thread of the process does its own alone meanwhile. */
  pthread_mutex_t caller;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .caller = PTHREAD_MUTEX_INITIALIZER};

static void take_parts(struct shared_work *work, size_t thread) {
  for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;) work->part(work->of, i, thread);
}

static void *help(void *place) {
  unsigned long seen = 0;
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (pool.work == NULL || pool.turn == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    struct shared_work *work = pool.work;
    seen = pool.turn;
    atomic_fetch_add(&pool.busy, 1);
    pthread_mutex_unlock(&pool.lock);
    take_parts(work, (size_t)(uintptr_t)place);
    atomic_fetch_sub(&pool.busy, 1);
    pthread_mutex_lock(&pool.lock);
  }
  return NULL;
}

static void share(void (*part)(const void *, size_t, size_t), const void *of, size_t count) {
  struct shared_work work = {.part = part, .of = of, .count = count};
  bool alone = count < 2 || pool.helpers == 0 || pthread_mutex_trylock(&pool.caller) != 0;
  if (alone) {
    take_parts(&work, 0);
    return;
  }
  pthread_mutex_lock(&pool.lock);
  pool.work = &work;
  pool.turn += 1;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  take_parts(&work, 0);
  /* Whoever has not woken by now does not see it any more. */
  pthread_mutex_lock(&pool.lock);
  pool.work = NULL;
  pthread_mutex_unlock(&pool.lock);
  for (size_t looked = 1; atomic_load(&pool.busy) > 0; looked++)
    if (looked % 256 == 0) sched_yield();
  pthread_mutex_unlock(&pool.caller);
}

/* @returns how many threads there are, the caller's included */
static size_t use_threads(size_t count) {
  if (count > MOST_THREADS) count = MOST_THREADS;
  pthread_mutex_lock(&pool.caller);
  while (pool.helpers + 1 < count) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, help, (void *)(uintptr_t)(pool.helpers + 1)) != 0) break;
    pthread_detach(thread);
    pool.helpers += 1;
  }
  size_t there = pool.helpers + 1;
  pthread_mutex_unlock(&pool.caller);
  return there;
}

`;
