#include "CSHA256.h"

#include "constants.h"

void sha256_add_with_instructions(sha256_state *state, const uint8_t *blocks, size_t count);

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

int sha256_has_instructions(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/// The instructions take the words as a, b, e, f and c, d, g, h, from the last lane to the first, and
/// do two rounds each.
__attribute__((target("sha,sse4.1,ssse3"))) void sha256_add_with_instructions(
    sha256_state *state, const uint8_t *blocks, size_t count) {
  const __m128i bigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i *words = (__m128i *)state->words;
  __m128i first = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
  __m128i second = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(first, second, 8), cdgh = _mm_blend_epi16(second, first, 0xf0);
  for (; count > 0; count--, blocks += 64) {
    __m128i abefBefore = abef, cdghBefore = cdgh, w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      __m128i *here = &w[i & 3], last = w[(i + 3) & 3];
      if (i < 4) {
        *here = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks + i), bigEndian);
      } else {
        __m128i sum = _mm_add_epi32(
            _mm_sha256msg1_epu32(*here, w[(i + 1) & 3]), _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
        *here = _mm_sha256msg2_epu32(sum, last);
      }
      __m128i k = _mm_loadu_si128((const __m128i *)sha256_constants + i);
      __m128i input = _mm_add_epi32(*here, k);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }
  first = _mm_shuffle_epi32(abef, 0x1b);
  second = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(words, _mm_blend_epi16(first, second, 0xf0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(second, first, 8));
}

#elif defined(__aarch64__)

#include <arm_neon.h>

#if defined(__linux__)
#include <sys/auxv.h>
int sha256_has_instructions(void) { return getauxval(AT_HWCAP) >> 6 & 1; }
#else
int sha256_has_instructions(void) { return 1; }
#endif

__attribute__((target("sha2"))) void sha256_add_with_instructions(
    sha256_state *state, const uint8_t *blocks, size_t count) {
  uint32x4_t abcd = vld1q_u32(state->words), efgh = vld1q_u32(state->words + 4);
  for (; count > 0; count--, blocks += 64) {
    uint32x4_t abcdBefore = abcd, efghBefore = efgh, w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      uint32x4_t *here = &w[i & 3];
      *here = i < 4 ? vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)))
                    : vsha256su1q_u32(
                          vsha256su0q_u32(*here, w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
      uint32x4_t input = vaddq_u32(*here, vld1q_u32(sha256_constants + 4 * i)), old = abcd;
      abcd = vsha256hq_u32(abcd, efgh, input);
      efgh = vsha256h2q_u32(efgh, old, input);
    }
    abcd = vaddq_u32(abcd, abcdBefore);
    efgh = vaddq_u32(efgh, efghBefore);
  }
  vst1q_u32(state->words, abcd);
  vst1q_u32(state->words + 4, efgh);
}

#else

int sha256_has_instructions(void) { return 0; }

void sha256_add_with_instructions(sha256_state *state, const uint8_t *blocks, size_t count) {
  sha256_add(state, blocks, count, 0);
}

#endif
