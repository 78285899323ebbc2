// The same for all processors with instructions for SHA-256; included by the files that define `struct lane` and what
// can be done with one.

USES_SHA static void add_one(uint32_t *state, const uint8_t *bytes, size_t count) {
  struct lane lane = load(state);
  for (size_t block = 0; block < count; block++) {
    struct lane before = lane;
    read(&lane, bytes + 64 * block);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) round_four(&lane, i);
    add_to(&lane, before);
  }
  store(lane, state);
}

USES_SHA static void add_blocks(
    uint32_t *state, const uint8_t *bytes, uint32_t *other, const uint8_t *others, size_t count) {
  if (!others) return add_one(state, bytes, count);
  struct lane lane = load(state), beside = load(other);
  for (size_t block = 0; block < count; block++) {
    struct lane before = lane, before_beside = beside;
    read(&lane, bytes + 64 * block);
    read(&beside, others + 64 * block);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      round_four(&lane, i);
      round_four(&beside, i);
    }
    add_to(&lane, before);
    add_to(&beside, before_beside);
  }
  store(lane, state);
  store(beside, other);
}
