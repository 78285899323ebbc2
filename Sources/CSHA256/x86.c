#include "sha256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include "constants.h"

#define USES_SHA __attribute__((target("sha,sse4.1")))

/// The state as the instructions want it: a, b, e, f and c, d, g, h, each from the highest word down.
struct lane {
  __m128i abef, cdgh;
  __m128i words[4];
};

USES_SHA static inline struct lane load(const uint32_t *state) {
  __m128i dcba = _mm_loadu_si128((const __m128i *)state), hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
  return (struct lane){.abef = _mm_alignr_epi8(cdab, efgh, 8), .cdgh = _mm_blend_epi16(efgh, cdab, 0xF0)};
}

USES_SHA static inline void store(struct lane lane, uint32_t *state) {
  __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1B), dchg = _mm_shuffle_epi32(lane.cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

USES_SHA static inline void read(struct lane *lane, const uint8_t *bytes) {
  const __m128i reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  for (int i = 0; i < 4; i++) {
    lane->words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), reversed);
  }
}

/// Four rounds, and the words of those that come sixteen rounds later.
USES_SHA static inline void round_four(struct lane *lane, int i) {
  __m128i *w = lane->words, current = w[i % 4];
  __m128i sum = _mm_add_epi32(current, _mm_loadu_si128((const __m128i *)(sha256_constants + 4 * i)));
  lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, sum);
  lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(sum, 0x0E));
  if (i >= 12) return;
  __m128i last = w[(i + 3) % 4], middle = _mm_alignr_epi8(last, w[(i + 2) % 4], 4);
  w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(current, w[(i + 1) % 4]), middle), last);
}

USES_SHA static inline void add_to(struct lane *lane, struct lane before) {
  lane->abef = _mm_add_epi32(lane->abef, before.abef);
  lane->cdgh = _mm_add_epi32(lane->cdgh, before.cdgh);
}

#include "lanes.h"

sha256_blocks sha256_blocks_of_processor(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return NULL;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_SHA)) return NULL;
  return add_blocks;
}

#elif !defined(__aarch64__)

sha256_blocks sha256_blocks_of_processor(void) { return NULL; }

#endif
