#pragma once

#include <stddef.h>
#include <stdint.h>

/// Renames what stands under a name in an open directory, where the system can do it in one step: with
/// `exchange` the two names change places, else the new name must be free.
/// - Returns: 0, or -1 and `errno`.
int files_rename(int from, const char *name, int to, const char *new_name, int exchange);

/// Lets a new file share the blocks of another, where the file system can.
/// - Returns: 0, or -1 and `errno`.
int files_share_blocks(int source, int target);

/// Lets the system copy up to `count` bytes between two files; both offsets move on with what was copied.
/// - Returns: the number of bytes, or -1 and `errno`.
ptrdiff_t files_copy_range(
    int source, int64_t *source_offset, int target, int64_t *target_offset, size_t count);
