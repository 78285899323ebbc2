#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/ioctl.h>
#include <sys/syscall.h>

// By their numbers, because not every C library knows the calls.
int files_rename(int from, const char *name, int to, const char *new_name, int exchange) {
  enum { WITHOUT_REPLACING = 1, EXCHANGING = 2 };
  return (int)syscall(
      SYS_renameat2, from, name, to, new_name, exchange ? EXCHANGING : WITHOUT_REPLACING);
}

ptrdiff_t files_copy_range(
    int source, int64_t *source_offset, int target, int64_t *target_offset, size_t count) {
  return syscall(SYS_copy_file_range, source, source_offset, target, target_offset, count, 0);
}

int files_share_blocks(int source, int target) {
  const unsigned long share = 0x40049409;  // FICLONE
  return ioctl(target, share, source);
}
#else
#if defined(__APPLE__)
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

ptrdiff_t files_copy_range(
    int source, int64_t *source_offset, int target, int64_t *target_offset, size_t count) {
  (void)source, (void)source_offset, (void)target, (void)target_offset, (void)count;
  errno = ENOSYS;
  return -1;
}

int files_share_blocks(int source, int target) {
  (void)source, (void)target;
  errno = ENOSYS;
  return -1;
}
#endif
