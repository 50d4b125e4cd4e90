#define _GNU_SOURCE
#include "centram_system.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int centram_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }
int centram_seal(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE); }
int centram_exchange(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE); }
int centram_rename_new(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE); }
int centram_begin_writing(int fd, int64_t offset, int64_t count) { return sync_file_range(fd, offset, count, SYNC_FILE_RANGE_WRITE); }
