// What Swift's Glibc module does not show: memory files, seals, atomic exchange of two folders, writing that begins early.
#ifndef CENTRAM_SYSTEM_H
#define CENTRAM_SYSTEM_H
#include <stddef.h>
#include <stdint.h>

// A memory file that can be sealed, or -1 (errno).
int centram_memfd(const char *name);
// After this nobody can change, grow or shrink the file. 0, or -1 (errno).
int centram_seal(int fd);
// Puts `from` where `to` is, and `to` where `from` was, at once. 0, or -1 (errno).
int centram_exchange(const char *from, const char *to);
// Puts `from` where nothing is yet. 0, or -1 (errno; EEXIST where something is).
int centram_rename_new(const char *from, const char *to);
// Begins to write a range of a file to the disk, and does not wait. 0, or -1 (errno).
int centram_begin_writing(int fd, int64_t offset, int64_t count);
// A Swift symbol in readable form, for `free`; NULL where it is none. From the Swift runtime.
char *swift_demangle(const char *name, size_t count, char *buffer, size_t *capacity, uint32_t flags);
#endif
