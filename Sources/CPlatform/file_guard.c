#include "file_guard.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

enum { SLOTS = 65536 };

// A slot is free while its length is 0 and taken by exchanging that for 1. While its start is 0 the handler
// passes over it: so the start is stored last when a slot is filled, and first when it is given back, and the
// handler never pairs a start with the length of another mapping. `used` is raised after that, and no byte of
// a mapping is read before file_guard_add returns. All of these are sequentially consistent, the default of C:
// nothing here runs often enough for a weaker order to matter.
static struct {
  _Atomic uintptr_t start;
  _Atomic size_t length;
  atomic_int hit;
} slots[SLOTS];

static atomic_int used;
static atomic_flag installed = ATOMIC_FLAG_INIT;
static uintptr_t page;

// Puts a page of zeros where the file has none. Everything called here may be called in a handler.
static void replace_page(int number, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  int last = atomic_load(&used);
  for (int i = 0; i < last; i++) {
    uintptr_t start = atomic_load(&slots[i].start);
    size_t length = atomic_load(&slots[i].length);
    if (start == 0 || address < start || address - start >= length) continue;
    void *target = (void *)(address & ~(page - 1));
    void *zeros = mmap(target, page, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (zeros == MAP_FAILED) break;
    atomic_store(&slots[i].hit, 1);
    return;
  }
  signal(number, SIG_DFL);
}

static void install(void) {
  if (atomic_flag_test_and_set(&installed)) return;
  page = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {0};
  action.sa_sigaction = replace_page;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
}

int file_guard_add(const void *start, size_t length) {
  install();
  for (int i = 0; i < SLOTS; i++) {
    size_t free_length = 0;
    if (!atomic_compare_exchange_strong(&slots[i].length, &free_length, 1)) continue;
    atomic_store(&slots[i].hit, 0);
    atomic_store(&slots[i].length, length);
    atomic_store(&slots[i].start, (uintptr_t)start);
    int count = atomic_load(&used);
    while (count <= i && !atomic_compare_exchange_weak(&used, &count, i + 1)) {
    }
    return i;
  }
  return -1;
}

int file_guard_was_hit(int number) { return number >= 0 && atomic_load(&slots[number].hit); }

void file_guard_remove(int number) {
  if (number < 0) return;
  atomic_store(&slots[number].start, 0);
  atomic_store(&slots[number].length, 0);
}
