#pragma once

/// The level of the x86-64 psABI that processor and system support, 1 to 4; 0 on other processors.
/// None has tiles; `tiles.h` asks for them.
int processor_level(void);

/// Tells the processor that this thread waits in a loop.
static inline void processor_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
