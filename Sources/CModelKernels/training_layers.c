#include "training.h"
#include "vector.h"

typedef struct layer_work {
  const float *x, *dy, *cosines, *sines;
  float *y, *slopes;
  size_t rows, d, ld, length, heads, head;
  int backward, accumulate;
  mk_format format;
  const uint8_t *table;
  const int32_t *ids;
} layer_work;

#define MK_BODY "training_layers.inc"
#include "each_level.h"

// A kernel over rows, or over elements 64 at a time.
#define SHARED(function, kernel, count, grain) \
  static void function(void *argument, int thread, int threads) { \
    const layer_work *w = argument; \
    size_t from, to; \
    mk_share(count, grain, thread, threads, &from, &to); \
    MK_CALL(kernel, w, from, to); \
  }
SHARED(rotate, rotate, w->rows, 1)
SHARED(gelu, gelu, w->d, 64)
SHARED(multiply_by, multiply_by, w->d, 64)
SHARED(swiglu, swiglu, w->rows, 1)
SHARED(swiglu_backward, swiglu_backward, w->rows, 1)

void mt_rotate(mt_context *context, float *x, size_t ld, size_t rows, size_t length, size_t heads, size_t head, const float *cosines, const float *sines, int back) {
  layer_work w = {.y = x, .ld = ld, .rows = rows, .length = length, .heads = heads, .head = head, .cosines = cosines, .sines = sines, .backward = back};
  mt_run(context, rows * heads * head, rotate, &w);
}

void mt_gelu(mt_context *context, float *x, float *y, size_t count) { mt_run(context, count, gelu, &(layer_work){.slopes = x, .y = y, .d = count}); }

void mt_multiply_by(mt_context *context, const float *x, float *y, size_t count) {
  mt_run(context, count, multiply_by, &(layer_work){.x = x, .y = y, .d = count});
}

void mt_swiglu(mt_context *context, const float *x, float *y, size_t rows, size_t width) {
  mt_run(context, rows * width, swiglu, &(layer_work){.x = x, .y = y, .rows = rows, .d = width});
}

void mt_swiglu_backward(mt_context *context, const float *x, const float *dy, float *dx, size_t rows, size_t width) {
  mt_run(context, rows * width, swiglu_backward, &(layer_work){.x = x, .dy = dy, .y = dx, .rows = rows, .d = width});
}

static void gather(void *argument, int thread, int threads) {
  const layer_work *w = argument;
  size_t from, to, bytes = mk_row_bytes(w->format, w->d);
  mk_share(w->rows, 1, thread, threads, &from, &to);
  for (size_t r = from; r < to; r++) {
    const uint8_t *row = w->table + (size_t)w->ids[r] * bytes;
    float *y = w->y + r * w->d;
    if (!w->accumulate) {
      mk_dequantize(w->format, row, y, w->d);
      continue;
    }
    float piece[256]; // a multiple of every block
    for (size_t i = 0; i < w->d; i += 256) {
      size_t n = MK_MIN(w->d - i, (size_t)256);
      mk_dequantize(w->format, row + i / mk_block_length(w->format) * mk_block_bytes(w->format), piece, n);
      MK_CALL(add, y + i, piece, n);
    }
  }
}

void mt_gather(mt_context *context, mk_format format, const void *table, const int32_t *ids, float *y, size_t rows, size_t d, int accumulate) {
  mt_run(context, rows * d, gather, &(layer_work){.format = format, .table = table, .ids = ids, .y = y, .rows = rows, .d = d, .accumulate = accumulate});
}

static void scatter(void *argument, int thread, int threads) {
  const layer_work *w = argument;
  size_t from, to;
  mk_share(w->d, 16, thread, threads, &from, &to);
  if (from < to) {
    for (size_t r = 0; r < w->rows; r++) MK_CALL(add, w->y + (size_t)w->ids[r] * w->d + from, w->x + r * w->d + from, to - from);
  }
}

void mt_scatter(mt_context *context, float *table, const int32_t *ids, const float *x, size_t rows, size_t d) {
  mt_run(context, rows * d, scatter, &(layer_work){.y = table, .ids = ids, .x = x, .rows = rows, .d = d});
}

void mt_drop(const uint32_t *words, uint32_t limit, const float *x, float scale, float *y, size_t count) { MK_CALL(drop, words, limit, x, scale, y, count); }
