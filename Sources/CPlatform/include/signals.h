#pragma once

/// Calls `body` with the number of the first signal that asks the process to end, on a thread of its
/// own, where anything may be called. Signals that the process ignores stay ignored.
/// - Returns: 0, or -1 where the system has no thread or pipe left.
int signals_on_end(void (*body)(int number));
