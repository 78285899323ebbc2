#include "tiles.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES __attribute__((target("amx-tile,amx-bf16")))

enum { row_bytes = 64, tile_bytes = 1024, sum_bytes = 128, request_permission = 0x1023, tile_data = 18 };

int tiles_request(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  unsigned bf16 = d >> 22 & 1, tiles = d >> 24 & 1;
  return bf16 && tiles && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

// The layout is the processor's.
struct configuration {
  unsigned char palette, start, reserved[14];
  unsigned short bytes[16];
  unsigned char rows[16];
};

TILES void tiles_begin(void) {
  struct configuration all = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    all.bytes[tile] = row_bytes;
    all.rows[tile] = 16;
  }
  _tile_loadconfig(&all);
}

TILES void tiles_end(void) { _tile_release(); }

// Tiles 0 to 3 hold sums: two rows of tiles, two columns. Tiles 4 and 5 hold weights, 6 and 7 tokens.

TILES void tiles_load(const float *sums, int columns) {
  const char *upper = (const char *)sums, *lower = upper + 16 * sum_bytes;
  _tile_loadd(0, upper, sum_bytes);
  _tile_loadd(2, lower, sum_bytes);
  if (columns == 1) return;
  _tile_loadd(1, upper + row_bytes, sum_bytes);
  _tile_loadd(3, lower + row_bytes, sum_bytes);
}

TILES void tiles_store(float *sums, int columns) {
  char *upper = (char *)sums, *lower = upper + 16 * sum_bytes;
  _tile_stored(0, upper, sum_bytes);
  _tile_stored(2, lower, sum_bytes);
  if (columns == 1) return;
  _tile_stored(1, upper + row_bytes, sum_bytes);
  _tile_stored(3, lower + row_bytes, sum_bytes);
}

// A product takes three times as long as it occupies the unit, so four sums take turns.
TILES void tiles_multiply(const void *weights, const void *panel, int parts, int columns) {
  const char *a = weights, *b = panel;
  _tile_loadd(4, a, row_bytes);
  _tile_loadd(5, a + tile_bytes, row_bytes);
  for (int part = 0; part < parts; part++, b += 2 * tile_bytes) {
    _tile_loadd(6, b, row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if (columns == 1) {
      _tile_dpbf16ps(2, 5, 6);
      continue;
    }
    _tile_loadd(7, b + tile_bytes, row_bytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

#else

int tiles_request(void) { return 0; }
void tiles_begin(void) {}
void tiles_end(void) {}
void tiles_load(const float *sums, int columns) {}
void tiles_multiply(const void *weights, const void *panel, int parts, int columns) {}
void tiles_store(float *sums, int columns) {}

#endif
