#include "CFuzzing.h"

#include <stdatomic.h>

// Of compiler-rt, whose headers the toolchain does not ship.
int LLVMFuzzerRunDriver(int *count, char ***arguments, fuzz_input run);
int __sanitizer_install_malloc_and_free_hooks(
    void (*allocated)(const volatile void *, size_t), void (*freed)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *start);

static atomic_long held, start, peak;

static void allocated(const volatile void *address, size_t size) {
  (void)address;
  long now = atomic_fetch_add(&held, (long)size) + (long)size;
  long old = atomic_load(&peak);
  while (now > old && !atomic_compare_exchange_weak(&peak, &old, now)) {
  }
}

static void freed(const volatile void *address) {
  if (address) atomic_fetch_sub(&held, (long)__sanitizer_get_allocated_size(address));
}

int fuzz_run(int *count, char ***arguments, fuzz_input run) {
  return LLVMFuzzerRunDriver(count, arguments, run);
}

void fuzz_count_allocations(void) {
  __sanitizer_install_malloc_and_free_hooks(allocated, freed);
}

void fuzz_reset_peak(void) {
  atomic_store(&start, atomic_load(&held));
  atomic_store(&peak, atomic_load(&held));
}

size_t fuzz_peak(void) {
  long grown = atomic_load(&peak) - atomic_load(&start);
  return grown > 0 ? (size_t)grown : 0;
}
