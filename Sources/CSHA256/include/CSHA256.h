#pragma once

#include <stddef.h>
#include <stdint.h>

/// The eight words between blocks.
typedef struct {
  uint32_t words[8];
} sha256_state;

/// A block of the message.
typedef struct {
  uint8_t bytes[64];
} sha256_block;

/// Whether the processor has instructions for SHA-256.
int sha256_has_instructions(void);

/// Adds whole blocks, with the instructions of the processor or without them.
void sha256_add(sha256_state *state, const uint8_t *blocks, size_t count, int uses_instructions);
