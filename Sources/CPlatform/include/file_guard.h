#pragma once

#include <stddef.h>

/// Watches mapped memory: where the file behind it has become shorter, reading gives zeros instead of
/// ending the process.
/// Returns a number for the other calls, or -1 where no more memory can be watched.
int file_guard_add(const void *start, size_t length);

/// Whether reading met the end of a file that had become shorter.
int file_guard_was_hit(int number);

/// Ends the watch.
void file_guard_remove(int number);
