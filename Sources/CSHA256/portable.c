#include "constants.h"
#include "sha256.h"

static inline uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }

static inline uint32_t big_endian(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/// One block, as the standard writes it down; the sixteen words that are needed next replace those that are not.
static void add(uint32_t *state, const uint8_t *bytes) {
  uint32_t w[16];
  for (int i = 0; i < 16; i++) w[i] = big_endian(bytes + 4 * i);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
#pragma clang loop unroll(full)
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
    uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + sha256_constants[i] + w[i % 16];
    uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority;
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    uint32_t near = w[(i + 1) % 16], far = w[(i + 14) % 16];
    w[i % 16] += (rotated(near, 7) ^ rotated(near, 18) ^ near >> 3) + w[(i + 9) % 16]
      + (rotated(far, 17) ^ rotated(far, 19) ^ far >> 10);
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_blocks_portable(
    uint32_t *state, const uint8_t *bytes, uint32_t *other, const uint8_t *others, size_t count) {
  for (size_t i = 0; i < count; i++) {
    add(state, bytes + 64 * i);
    if (others) add(other, others + 64 * i);
  }
}
