// Passes over one row of scores, a float for each token of the vocabulary: what sampling from a model and keeping to a grammar need.
// Weights are summed as integers, 2⁴⁰ a unit, so sums do not depend on their order.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The least finite and the greatest score. 0 where one is NaN or +∞, or where all are −∞.
int mk_score_range(const float *x, size_t n, float *least, float *greatest);
// y = (x − shift) / scale
void mk_shift_scale(const float *x, float shift, float scale, float *y, size_t n);
// x = −∞ where the bit of a token is not set.
void mk_keep_allowed(float *x, const uint64_t *allowed, size_t n);
// The places of the k largest, 0 < k <= n, largest first; of equal ones the earlier first. k should be small.
void mk_largest(const float *x, size_t n, size_t k, uint32_t *places);

// A bucket holds scores x <= 0 of like size: −x · factor, cut off, and at most buckets − 1. Adds to counts and masses.
void mk_fill_buckets(const float *x, const float *weights, size_t n, float factor, size_t buckets, uint32_t *counts, uint64_t *masses);
// Places of a bucket's scores in their order; returns how many. Room for n.
size_t mk_list_bucket(const float *x, size_t n, float factor, size_t buckets, size_t bucket, uint32_t *places);

// What remains after filters: scores above cut, those equal to it up to a place, with a weight of at least least.
typedef struct mk_kept {
  float cut;
  uint32_t place;
  float least;
} mk_kept;
uint64_t mk_kept_mass(const float *x, const float *weights, size_t n, mk_kept kept);
// The first place at which the sum of kept weights exceeds target, which must be below their mass.
size_t mk_pick(const float *x, const float *weights, size_t n, mk_kept kept, uint64_t target);

// y = log of the sum over rows j of exp(x[j][i] − shifts[j]), without overflow or underflow. Rows with a shift of +∞ are left out; at least
// one must stay.
void mk_mix_scores(const float *const *x, const float *shifts, size_t rows, float *y, size_t n);

// Entropy in nat of the distribution that the scores make.
double mk_entropy(const float *x, size_t n);
// Kullback–Leibler divergence in nat from the distribution of the scores p to that of q.
double mk_divergence(const float *p, const float *q, size_t n);

// A vocabulary's bytes as a tree in depth-first order: node i has byte bytes[i] at depth depths[i] > 0, its subtree ends before node
// ends[i], and tokens[offsets[i]] … tokens[offsets[i + 1] − 1] are the tokens that end there.
typedef struct mk_token_tree {
  const uint8_t *bytes;
  const uint16_t *depths;
  const uint32_t *ends, *offsets, *tokens;
  size_t nodes;
} mk_token_tree;
// Sorts n tokens by their bytes, then by number. Token t has bytes text[starts[t]] … text[starts[t + 1] − 1]. 0: no memory.
int mk_sort_tokens(const uint8_t *text, const uint32_t *starts, uint32_t *tokens, size_t n);
// Makes the tree of n sorted tokens, each of 1 to 65,535 bytes; returns its nodes. bytes, depths and ends have room for a node a byte of
// text, offsets for one more.
size_t mk_plant_tokens(
  const uint8_t *text, const uint32_t *starts, const uint32_t *tokens, size_t n, uint8_t *bytes, uint16_t *depths, uint32_t *ends, uint32_t *offsets);
// Walks from a node with a table of 256 transitions a state: −1 is no state, −2 is not known yet. path[depth] is the state after that
// depth's byte, path[0] the first one. Sets the bit of each token whose bytes all have a transition. Returns the node whose transition is
// not known, or the number of nodes.
size_t mk_walk_tokens(const mk_token_tree *tree, const int32_t *transitions, size_t node, int32_t *path, uint64_t *allowed);

#ifdef __cplusplus
}
#endif
