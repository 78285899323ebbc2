#include "sha256.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "constants.h"

#define USES_SHA __attribute__((target("sha2")))

struct lane {
  uint32x4_t abcd, efgh;
  uint32x4_t words[4];
};

USES_SHA static inline struct lane load(const uint32_t *state) {
  return (struct lane){.abcd = vld1q_u32(state), .efgh = vld1q_u32(state + 4)};
}

USES_SHA static inline void store(struct lane lane, uint32_t *state) {
  vst1q_u32(state, lane.abcd);
  vst1q_u32(state + 4, lane.efgh);
}

USES_SHA static inline void read(struct lane *lane, const uint8_t *bytes) {
  for (int i = 0; i < 4; i++) {
    lane->words[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(bytes + 16 * i)));
  }
}

/// Four rounds, and the words of those that come sixteen rounds later.
USES_SHA static inline void round_four(struct lane *lane, int i) {
  uint32x4_t *w = lane->words, abcd = lane->abcd;
  uint32x4_t sum = vaddq_u32(w[i % 4], vld1q_u32(sha256_constants + 4 * i));
  lane->abcd = vsha256hq_u32(abcd, lane->efgh, sum);
  lane->efgh = vsha256h2q_u32(lane->efgh, abcd, sum);
  if (i >= 12) return;
  w[i % 4] = vsha256su1q_u32(vsha256su0q_u32(w[i % 4], w[(i + 1) % 4]), w[(i + 2) % 4], w[(i + 3) % 4]);
}

USES_SHA static inline void add_to(struct lane *lane, struct lane before) {
  lane->abcd = vaddq_u32(lane->abcd, before.abcd);
  lane->efgh = vaddq_u32(lane->efgh, before.efgh);
}

#include "lanes.h"

sha256_blocks sha256_blocks_of_processor(void) {
#if defined(__APPLE__)
  return add_blocks;
#elif defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_SHA2 ? add_blocks : NULL;
#else
  return NULL;
#endif
}

#endif
