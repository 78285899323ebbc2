#include "sha256.h"

#include <stdatomic.h>
#include <string.h>

static const size_t block = 64;

/// How blocks are added on this processor, which is asked once.
static sha256_blocks blocks(void) {
  static _Atomic(sha256_blocks) chosen;
  sha256_blocks known = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (known) return known;
  sha256_blocks own = sha256_blocks_of_processor();
  known = own ? own : sha256_blocks_portable;
  atomic_store_explicit(&chosen, known, memory_order_relaxed);
  return known;
}

struct sha256 sha256_begin(void) {
  return (struct sha256){
    .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

/// Adds bytes up to the end of a block that was begun.
/// - Returns: how many these were.
static size_t complete(struct sha256 *hash, const uint8_t *bytes, size_t count) {
  size_t filled = hash->count % block;
  if (filled == 0 || count == 0) return 0;
  size_t piece = count < block - filled ? count : block - filled;
  memcpy(hash->block + filled, bytes, piece);
  if (filled + piece == block) blocks()(hash->state, hash->block, NULL, NULL, 1);
  hash->count += piece;
  return piece;
}

void sha256_update(struct sha256 *hash, const void *bytes, size_t count) {
  size_t done = complete(hash, bytes, count);
  const uint8_t *rest = (const uint8_t *)bytes + done;
  count -= done;
  if (count == 0) return;
  if (count >= block) blocks()(hash->state, rest, NULL, NULL, count / block);
  memcpy(hash->block, rest + count / block * block, count % block);
  hash->count += count;
}

void sha256_update_two(
    struct sha256 *first, const void *bytes, size_t count, struct sha256 *second, const void *others, size_t others_count) {
  size_t done = complete(first, bytes, count), others_done = complete(second, others, others_count);
  const uint8_t *rest = (const uint8_t *)bytes + done, *others_rest = (const uint8_t *)others + others_done;
  count -= done;
  others_count -= others_done;
  size_t both = (count < others_count ? count : others_count) / block;
  if (both > 0) {
    blocks()(first->state, rest, second->state, others_rest, both);
    first->count += both * block;
    second->count += both * block;
  }
  sha256_update(first, rest + both * block, count - both * block);
  sha256_update(second, others_rest + both * block, others_count - both * block);
}

void sha256_end(struct sha256 *hash, uint8_t *digest) {
  uint64_t bits = hash->count * 8;
  uint8_t padding[72] = {0x80};
  size_t filled = hash->count % block;
  size_t length = (filled < 56 ? 56 : 120) - filled;
  for (int i = 0; i < 8; i++) padding[length + i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_update(hash, padding, length + 8);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
