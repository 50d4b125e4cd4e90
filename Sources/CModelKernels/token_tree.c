#include "centram_sampling.h"
#include <stdlib.h>
#include <string.h>

static int goes_first(const uint8_t *text, const uint32_t *starts, uint32_t a, uint32_t b) {
  size_t la = starts[a + 1] - starts[a], lb = starts[b + 1] - starts[b];
  int order = memcmp(text + starts[a], text + starts[b], la < lb ? la : lb);
  if (order != 0) return order < 0;
  return la != lb ? la < lb : a < b;
}

int mk_sort_tokens(const uint8_t *text, const uint32_t *starts, uint32_t *tokens, size_t n) {
  if (n < 2) return 1;
  uint32_t *spare = malloc(n * sizeof *spare), *from = tokens, *to = spare;
  if (!spare) return 0;
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t start = 0; start < n; start += 2 * width) {
      size_t middle = start + width < n ? start + width : n, end = start + 2 * width < n ? start + 2 * width : n;
      size_t a = start, b = middle;
      for (size_t i = start; i < end; i++) {
        int first = a < middle && (b == end || goes_first(text, starts, from[a], from[b]));
        to[i] = first ? from[a++] : from[b++];
      }
    }
    uint32_t *other = from;
    from = to, to = other;
  }
  if (from != tokens) memcpy(tokens, from, n * sizeof *tokens);
  free(spare);
  return 1;
}

size_t mk_plant_tokens(
  const uint8_t *text, const uint32_t *starts, const uint32_t *tokens, size_t n, uint8_t *bytes, uint16_t *depths, uint32_t *ends, uint32_t *offsets) {
  // The nodes of the last token by depth: open until a token leaves their subtree.
  uint32_t *open = malloc(65536 * sizeof *open);
  if (!open) return 0;
  size_t nodes = 0, depth = 0;
  const uint8_t *last = text;
  for (size_t i = 0; i < n; i++) {
    const uint8_t *token = text + starts[tokens[i]];
    size_t length = starts[tokens[i] + 1] - starts[tokens[i]], shared = 0;
    while (shared < depth && shared < length && token[shared] == last[shared]) shared++;
    while (depth > shared) ends[open[--depth]] = (uint32_t)nodes;
    while (depth < length) {
      bytes[nodes] = token[depth], depths[nodes] = (uint16_t)(depth + 1), offsets[nodes] = (uint32_t)i;
      open[depth++] = (uint32_t)nodes++;
    }
    last = token;
  }
  while (depth > 0) ends[open[--depth]] = (uint32_t)nodes;
  offsets[nodes] = (uint32_t)n;
  free(open);
  return nodes;
}

size_t mk_walk_tokens(const mk_token_tree *tree, const int32_t *transitions, size_t node, int32_t *path, uint64_t *allowed) {
  while (node < tree->nodes) {
    size_t depth = tree->depths[node];
    int32_t next = transitions[(size_t)path[depth - 1] * 256 + tree->bytes[node]];
    if (next == -2) return node;
    if (next < 0) {
      node = tree->ends[node];
      continue;
    }
    path[depth] = next;
    for (uint32_t t = tree->offsets[node]; t < tree->offsets[node + 1]; t++) allowed[tree->tokens[t] / 64] |= UINT64_C(1) << (tree->tokens[t] % 64);
    node++;
  }
  return node;
}
