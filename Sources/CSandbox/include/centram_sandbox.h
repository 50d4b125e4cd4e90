// Processes for plugins: starting one, talking to it, sharing memory with it, and what it gives up for good.
#ifndef CENTRAM_SANDBOX_H
#define CENTRAM_SANDBOX_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- the host's side ----

// Starts the program at `path` in a session of its own: descriptors[i] is its descriptor 3 + i, 0 to 2 are /dev/null, all others are
// closed, and its environment has no more than one variable that keeps the Swift runtime from tracing a crash. The pid, or -errno.
pid_t centram_spawn(const char *path, const int *descriptors, int count);
// Waits for the end of a process. Its wait status, or -errno.
int centram_reap(pid_t pid);
// Resident memory of a process in bytes; 0 where it is gone.
int64_t centram_resident(pid_t pid);

// ---- both sides: messages and memory ----

// Two connected sockets that keep message boundaries. 0, or -errno.
int centram_socket_pair(int sockets[2]);
// Makes every send and receive on a socket look at its deadline at least four times a second. 0, or -errno.
int centram_socket_prepare(int socket);
// Sends one packet of two parts, with descriptors. `deadline` is in nanoseconds of CLOCK_MONOTONIC, 0: none.
// 0, or -errno: -ETIMEDOUT, -EPIPE where the other side is gone.
int centram_packet_send(int socket, const void *head, size_t head_size, const void *body, size_t body_size, const int *descriptors, int count, uint64_t deadline);
// Receives one packet. Its size; 0: the other side is gone; -errno: -ETIMEDOUT, -EMSGSIZE where it is larger than `capacity`.
// With `descriptors` NULL the kernel drops whatever is sent along; else up to `limit` are taken, and `count` says how many.
ssize_t centram_packet_receive(int socket, void *bytes, size_t capacity, int *descriptors, int limit, int *count, uint64_t deadline);
// What waits to be received: 0: nothing, 1: a packet, 2: the other side is gone.
int centram_packet_waits(int socket);
uint64_t centram_monotonic(void);
// Whether the calling thread sleeps at once where it waits for a packet: right where the other side works on the same processor.
void centram_wait_asleep(int on);
// The processor that the calling thread is on.
int centram_processor(void);
// Keeps the calling thread on a processor; -1: wherever it might run before. 0, or -errno: -EINVAL where it might not run there.
int centram_follow(int processor);

enum { CENTRAM_SHARE_READ = 0, CENTRAM_SHARE_WRITE = 1 };
// A memory file of a fixed size, mapped for reading and writing at `*start`. What it is sealed for: CENTRAM_SHARE_READ: who gets the
// descriptor can map it for reading only; CENTRAM_SHARE_WRITE: for both. Neither can change its size. The descriptor, or -errno.
int centram_share(size_t size, int mode, void **start);
// Maps what centram_share made. NULL where that fails.
void *centram_map_shared(int descriptor, size_t size, int mode);

// ---- the plugin's side ----

enum { CENTRAM_PROFILE_COMPUTE = 0, CENTRAM_PROFILE_NETWORK = 1 };
enum { CENTRAM_LAYER_SECCOMP = 1, CENTRAM_LAYER_LANDLOCK = 2 };

// Dies with the parent, takes no new privileges, writes no core. 0, or -errno.
int centram_sandbox_prepare(void);
// Bytes of private memory (0: no limit), seconds of CPU in the life of the process (0: none), open descriptors. Files cannot be written. 0, or -errno.
int centram_sandbox_limits(uint64_t memory, uint64_t cpu_seconds, uint64_t descriptors);
// For the time in which the loader works: files are read where libraries lie, nothing else of the system is reached.
// CENTRAM_LAYER_* or-ed, or -errno.
int centram_sandbox_before_load(int profile);
// For good, for all threads: no file is opened at all, unless the profile needs names resolved. 0, or -errno.
int centram_sandbox_after_load(int profile);
#endif
