#pragma once

#include <stddef.h>
#include <stdint.h>

/// A SHA-256 (FIPS 180-4) of bytes that come in pieces.
struct sha256 {
  uint32_t state[8];
  /// How many bytes came so far.
  uint64_t count;
  /// Bytes that do not fill a block yet.
  uint8_t block[64];
};

/// The hash of nothing yet.
struct sha256 sha256_begin(void);

/// Adds bytes.
void sha256_update(struct sha256 *hash, const void *bytes, size_t count);

/// Adds bytes to one hash and others to another.
///
/// The instructions of a processor for a hash wait for each other, so that two hashes beside each other take about
/// as long as one.
void sha256_update_two(
    struct sha256 *first, const void *bytes, size_t count, struct sha256 *second, const void *others, size_t others_count);

/// Writes the 32 bytes of the hash of all bytes.
void sha256_end(struct sha256 *hash, uint8_t *digest);

/// Adds whole blocks of 64 bytes to two states; `others` is NULL where there is one.
typedef void (*sha256_blocks)(
    uint32_t *state, const uint8_t *bytes, uint32_t *other, const uint8_t *others, size_t count);

/// For every processor.
void sha256_blocks_portable(
    uint32_t *state, const uint8_t *bytes, uint32_t *other, const uint8_t *others, size_t count);

/// With the instructions of this processor; NULL where it has none for SHA-256.
sha256_blocks sha256_blocks_of_processor(void);
