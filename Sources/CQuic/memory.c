// Memory for ngtcp2. The library takes its small objects from pools of 16 to 64 of them, ten pools of 4 to 12 KiB a connection, and a connection
// that is not busy uses a few hundred bytes at the start of each. On the heap pools lie where other things were before, so nearly all of their
// bytes are resident. Here a pool begins at a page, in a place where pools of as many pages were before, so that only the start of it was
// written to: a connection costs a page a pool until it needs more.
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

enum {
  PAGE = 4096,
  PLACES = 64,        // a region
  KEPT_PLACES = 256,  // free ones of a class that keep their pages
};

// Before all that is given out.
typedef struct {
  size_t pages;  // 0: of the heap
  size_t size;
} cq_memory_header;

struct cq_region {
  struct cq_region *next;
  size_t size;
  void *start;
};

static bool grow(cq_places *places, size_t place_size) {
  // Room for every place that there is, so that giving one back never fails.
  void **list = realloc(places->free, (places->total + PLACES) * sizeof *list);
  if (!list) return false;
  places->free = list;
  struct cq_region *region = malloc(sizeof *region);
  uint8_t *start = region ? mmap(NULL, PLACES * place_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) : MAP_FAILED;
  if (start == MAP_FAILED) {
    free(region);
    return false;
  }
  // Huge pages would make resident what is not used. Where the system has none, nothing is lost.
  (void)madvise(start, PLACES * place_size, MADV_NOHUGEPAGE);
  *region = (struct cq_region){places->regions, PLACES * place_size, start};
  places->regions = region;
  places->total += PLACES;
  for (size_t i = PLACES; i-- > 0;) places->free[places->free_count++] = start + i * place_size;
  ASAN_POISON_MEMORY_REGION(start, PLACES * place_size);
  return true;
}

static void *take(size_t size, void *context) {
  cquic_endpoint *endpoint = context;
  size_t whole = size + sizeof(cq_memory_header), pages = (whole + PAGE - 1) / PAGE;
  cq_memory_header *header = NULL;
  if (pages > 1 && pages <= CQ_PLACE_CLASSES) {
    cq_places *places = &endpoint->places[pages - 1];
    // The one that was given back last: its start is in the cache.
    if (places->free_count || grow(places, pages * PAGE)) header = places->free[--places->free_count];
    if (header) ASAN_UNPOISON_MEMORY_REGION(header, whole);
  }
  if (!header) {
    pages = 0;
    header = malloc(whole);
  }
  if (!header) return NULL;
  *header = (cq_memory_header){pages, size};
  return header + 1;
}

static void give_back(void *memory, void *context) {
  if (!memory) return;
  cquic_endpoint *endpoint = context;
  cq_memory_header *header = (cq_memory_header *)memory - 1;
  size_t pages = header->pages;
  if (pages == 0) {
    free(header);
    return;
  }
  cq_places *places = &endpoint->places[pages - 1];
  ASAN_POISON_MEMORY_REGION(header, pages * PAGE);
  if (places->free_count >= KEPT_PLACES) (void)madvise(header, pages * PAGE, MADV_DONTNEED);
  places->free[places->free_count++] = header;
}

// What the library wants cleared it uses whole.
static void *take_cleared(size_t count, size_t size, void *context) {
  (void)context;
  if (size && count > (SIZE_MAX - sizeof(cq_memory_header)) / size) return NULL;
  cq_memory_header *header = calloc(1, sizeof *header + count * size);
  if (!header) return NULL;
  header->size = count * size;
  return header + 1;
}

static void *resize(void *memory, size_t size, void *context) {
  void *other = take(size, context);
  if (!other || !memory) return other;
  size_t old = ((cq_memory_header *)memory - 1)->size;
  memcpy(other, memory, old < size ? old : size);
  give_back(memory, context);
  return other;
}

void cq_memory_init(cquic_endpoint *endpoint) {
  endpoint->memory = (ngtcp2_mem){endpoint, take, give_back, take_cleared, resize};
}

void cq_memory_free(cquic_endpoint *endpoint) {
  for (size_t class = 0; class < CQ_PLACE_CLASSES; class++) {
    cq_places *places = &endpoint->places[class];
    while (places->regions) {
      struct cq_region *region = places->regions;
      places->regions = region->next;
      ASAN_UNPOISON_MEMORY_REGION(region->start, region->size);
      munmap(region->start, region->size);
      free(region);
    }
    free(places->free);
  }
}
