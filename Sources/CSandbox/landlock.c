#define _GNU_SOURCE
#include "landlock.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's own header is older than the kernel on many systems, so what is used of it stands here.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
struct ruleset { uint64_t files, network, scopes; };
struct beneath { uint64_t allowed; int32_t parent; } __attribute__((packed));
enum { VERSION = 1, RULE_BENEATH = 1 };
enum { EXECUTE = 1 << 0, READ_FILE = 1 << 2, READ_FOLDER = 1 << 3 };

static void allow(int rules, const char *path, uint64_t access) {
  int parent = open(path, O_PATH | O_CLOEXEC);
  if (parent < 0) return;
  struct beneath rule = {.allowed = access, .parent = parent};
  syscall(SYS_landlock_add_rule, rules, RULE_BENEATH, &rule, 0);
  close(parent);
}

// The folder of a library that is loaded: another that it needs may lie there.
static int allow_folder(struct dl_phdr_info *info, size_t size, void *rules) {
  (void)size;
  char path[4096];
  const char *end = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
  size_t length = end ? (size_t)(end - info->dlpi_name) : 0;
  if (!length || length >= sizeof path) return 0;
  memcpy(path, info->dlpi_name, length);
  path[length] = 0;
  allow(*(int *)rules, path, EXECUTE | READ_FILE);
  return 0;
}

int centram_landlock(int network) {
  int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
  if (abi < 1) return 0;
  struct ruleset handled = {.files = (1u << 13) - 1};
  if (abi >= 2) handled.files |= 1u << 13;                 // renaming across folders
  if (abi >= 3) handled.files |= 1u << 14;                 // truncating
  if (abi >= 5) handled.files |= 1u << 15;                 // ioctl on devices
  if (abi >= 4 && !network) handled.network = 3;           // binding and connecting TCP
  if (abi >= 6) handled.scopes = network ? 2 : 3;          // signals and abstract sockets outside of this process
  size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
  if (rules < 0) return -errno;
  static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) allow(rules, libraries[i], EXECUTE | READ_FILE);
  allow(rules, "/etc/ld.so.cache", READ_FILE);
  dl_iterate_phdr(allow_folder, &rules);
  if (network) {
    static const char *const names[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) allow(rules, names[i], READ_FILE);
  }
  int failure = syscall(SYS_landlock_restrict_self, rules, 0) ? -errno : 1;
  close(rules);
  return failure;
}
