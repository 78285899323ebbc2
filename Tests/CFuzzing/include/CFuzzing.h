#ifndef CFUZZING_H
#define CFUZZING_H

#include <stddef.h>
#include <stdint.h>

/// One input: its bytes and their number; returns 0.
typedef int (*fuzz_input)(const uint8_t *bytes, size_t count);

/// Gives inputs to `run` as the options of libFuzzer in `arguments` say.
int fuzz_run(int *count, char ***arguments, fuzz_input run);

/// Counts from now on the bytes that are allocated and not freed. To be called once.
void fuzz_count_allocations(void);

/// Forgets the largest number of bytes so far.
void fuzz_reset_peak(void);

/// The largest number of bytes held since the last reset, beyond those held then.
size_t fuzz_peak(void);

#endif
