#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>

// By its number, because not every C library knows the call.
int files_rename(int from, const char *name, int to, const char *new_name, int exchange) {
  enum { WITHOUT_REPLACING = 1, EXCHANGING = 2 };
  return (int)syscall(
      SYS_renameat2, from, name, to, new_name, exchange ? EXCHANGING : WITHOUT_REPLACING);
}
#elif defined(__APPLE__)
int files_rename(int from, const char *name, int to, const char *new_name, int exchange) {
  return renameatx_np(from, name, to, new_name, exchange ? RENAME_SWAP : RENAME_EXCL);
}
#else
int files_rename(int from, const char *name, int to, const char *new_name, int exchange) {
  (void)from, (void)name, (void)to, (void)new_name, (void)exchange;
  errno = ENOSYS;
  return -1;
}
#endif
