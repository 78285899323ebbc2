#include "CSHA256.h"

#include "constants.h"

void sha256_add_with_instructions(sha256_state *state, const uint8_t *blocks, size_t count);

static uint32_t rotated(uint32_t word, int count) { return word >> count | word << (32 - count); }

/// The words of a block and those that follow from them.
static void schedule(uint32_t words[64], const uint8_t *block) {
  for (int i = 0; i < 16; i++, block += 4) {
    words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = words[i - 15], b = words[i - 2];
    words[i] = words[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + words[i - 7] +
               (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
  }
}

static void add_block(sha256_state *state, const uint8_t *block) {
  uint32_t words[64], v[8];
  schedule(words, block);
  for (int i = 0; i < 8; i++) v[i] = state->words[i];
#pragma clang loop unroll(full)
  for (int i = 0; i < 64; i++) {
    uint32_t a = v[0], e = v[4];
    uint32_t one = v[7] + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) +
                   ((e & v[5]) ^ (~e & v[6])) + sha256_constants[i] + words[i];
    uint32_t two = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) +
                   ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
#pragma clang loop unroll(full)
    for (int k = 7; k > 0; k--) v[k] = v[k - 1];
    v[4] += one;
    v[0] = one + two;
  }
  for (int i = 0; i < 8; i++) state->words[i] += v[i];
}

void sha256_add(sha256_state *state, const uint8_t *blocks, size_t count, int uses_instructions) {
  if (uses_instructions) return sha256_add_with_instructions(state, blocks, count);
  for (; count > 0; count--, blocks += 64) add_block(state, blocks);
}
