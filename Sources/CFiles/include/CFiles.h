#ifndef CFILES_H
#define CFILES_H

/// Renames what stands under a name in an open directory, where the system can do it in one step: with
/// `exchange` the two names change places, else the new name must be free.
/// - Returns: 0, or -1 and `errno`.
int files_rename(int from, const char *name, int to, const char *new_name, int exchange);

#endif
