/* SPDX-License-Identifier: Apache-2.0
 *
 * The Centram plugin C ABI, epoch 1: what every plugin has, in any language. Plain C99.
 *
 * A plugin is a shared library with
 *   - one ELF note (CENTRAM_NOTE), which the host reads without loading the library;
 *   - one exported function `centram_plugin_descriptor` or `centram_plugin_descriptor__NAME`;
 *   - a table of functions per interface it offers, asked for by id ("centram.merge/1").
 *
 * Rules for all tables and structs here:
 *   - they grow at the end only, and `struct_size` says how much of one is there: read nothing past it;
 *   - strings are UTF-8 and end with a zero byte; the side that passes one owns it;
 *   - a function that returns int32_t returns CENTRAM_OK or a CENTRAM_ERROR_*, and may then write a sentence of at
 *     most `error_capacity` bytes, zero included, to `error`;
 *   - nothing is thrown, and no panic crosses, in either direction;
 *   - instances may be used by several threads at once, unless a table says otherwise.
 */
#ifndef CENTRAM_PLUGIN_H
#define CENTRAM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "centram_api_fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CENTRAM_MAGIC 0x314d5443u /* "CTM1", little endian */
#define CENTRAM_C_ABI_MAJOR 1u
#define CENTRAM_C_ABI_MINOR 0u
#define CENTRAM_SWIFT_API_MAJOR 1u
#define CENTRAM_SWIFT_API_MINOR 0u
#define CENTRAM_TOOLCHAIN __VERSION__ /* of the compiler's clang: names the commit it was built from */
#define CENTRAM_ENTRY "centram_plugin_descriptor"

#if defined(__GNUC__)
#define CENTRAM_EXPORT __attribute__((visibility("default"), used))
#else
#define CENTRAM_EXPORT
#endif

/* Ways to call a plugin; a library may offer both. */
enum { CENTRAM_LANE_C = 1, CENTRAM_LANE_SWIFT = 2 };

/* Kinds are an open set of names; these five are the host's. */
#define CENTRAM_KIND_TRANSPORT "transport"
#define CENTRAM_KIND_MERGE_OPERATOR "merge-operator"
#define CENTRAM_KIND_GATE_LAYER "gate-layer"
#define CENTRAM_KIND_TRAINER "trainer"
#define CENTRAM_KIND_ECONOMY_RULE "economy-rule"

enum {
  CENTRAM_OK = 0,
  CENTRAM_ERROR_INVALID = 1,     /* an argument is wrong; the message names it */
  CENTRAM_ERROR_SHAPE = 2,       /* sizes do not fit together */
  CENTRAM_ERROR_UNSUPPORTED = 3, /* right, but not something this plugin does */
  CENTRAM_ERROR_CANCELLED = 4,   /* the caller gave up */
  CENTRAM_ERROR_INTERNAL = 5,    /* a fault of the plugin */
  CENTRAM_ERROR_UNAVAILABLE = 6, /* a service or peer is not there now */
  CENTRAM_ERROR_LIMIT = 7,       /* a limit was reached; the message names it */
  CENTRAM_ERROR_IO = 8,          /* the operating system said no */
  CENTRAM_ERROR_CLOSED = 9       /* the stream, connection or instance is closed */
};

/* ---- the host, as a plugin sees it ---------------------------------------------------------------------------- */

enum { CENTRAM_LOG_DEBUG = 0, CENTRAM_LOG_INFO = 1, CENTRAM_LOG_WARNING = 2, CENTRAM_LOG_ERROR = 3 };

typedef struct centram_host {
  uint32_t struct_size;
  uint32_t c_abi_minor;
  void *context;
  void (*log)(void *context, int32_t level, const char *message);
  /* A service's table by interface id ("centram.clock/1"), or NULL where this host has none. Valid for good. */
  const void *(*get_service)(void *context, const char *interface_id);
} centram_host_t;

typedef struct centram_clock_v1 { /* "centram.clock/1" */
  uint32_t struct_size;
  void *context;
  int64_t (*unix_milliseconds)(void *context);
  uint64_t (*monotonic_nanoseconds)(void *context);
} centram_clock_v1_t;

typedef struct centram_random_v1 { /* "centram.random/1": unpredictable bytes, seeded in the simulator */
  uint32_t struct_size;
  void *context;
  void (*fill)(void *context, uint8_t *bytes, size_t count);
} centram_random_v1_t;

typedef struct centram_identity_v1 { /* "centram.identity/1": the node's Ed25519 key, for transports and trainers */
  uint32_t struct_size;
  void *context;
  void (*public_key)(void *context, uint8_t key[32]);
  int32_t (*sign)(void *context, const uint8_t *message, size_t count, uint8_t signature[64]);
  /* The 32-byte seed, for a TLS stack that must hold the key itself. Refused unless the operator allows it. */
  int32_t (*export_seed)(void *context, uint8_t seed[32]);
} centram_identity_v1_t;

/* ---- the door -------------------------------------------------------------------------------------------------- */

typedef struct centram_descriptor {
  uint32_t magic;
  uint32_t struct_size;
  uint16_t c_abi_major, c_abi_minor;
  uint16_t swift_api_major, swift_api_minor; /* as compiled; 0.0 where there is no Swift lane */
  uint32_t lanes;
  uint32_t reserved; /* 0 */
  const char *kind;
  const char *id;      /* "com.example.merge.median": letters, digits, '.', '-', '_' */
  const char *version; /* semantic version */
  const char *summary; /* one sentence */
  const char *toolchain;       /* "" without a Swift lane */
  const char *api_fingerprint; /* "" without a Swift lane */
  /* Called once, before any other function; may be NULL. */
  int32_t (*init)(const centram_host_t *host, char *error, size_t error_capacity);
  /* The table for an interface id, or NULL. For "centram.swift/1": a PluginBox, retained once for the caller. */
  const void *(*get_interface)(const char *interface_id);
} centram_descriptor_t;

typedef const centram_descriptor_t *(*centram_plugin_descriptor_fn)(void);

/* ---- parameters ------------------------------------------------------------------------------------------------- */

enum { CENTRAM_PARAMETER_NUMBER = 0, CENTRAM_PARAMETER_INTEGER = 1, CENTRAM_PARAMETER_BOOLEAN = 2, CENTRAM_PARAMETER_STRING = 3 };
enum { CENTRAM_SCOPE_SHARED = 0, CENTRAM_SCOPE_PER_INPUT = 1 };

/* What a user may set. The host checks names, types and limits before it calls. */
typedef struct centram_parameter {
  const char *name;
  const char *summary;
  int32_t type;
  int32_t scope;
  int32_t required;           /* then `default_value` counts for nothing */
  int32_t has_limits;
  const char *default_value;  /* as text: "0.5", "true"; NULL: not set unless given */
  double minimum, maximum;    /* inclusive, where has_limits */
} centram_parameter_t;

/* Looks parameters up. `input` is an input's index, or -1 for a shared one. Returns 1 where set, else 0. */
typedef struct centram_parameters {
  uint32_t struct_size;
  const void *context;
  int32_t (*number)(const void *context, const char *name, int32_t input, double *value);
  int32_t (*boolean)(const void *context, const char *name, int32_t input, int32_t *value);
  /* Valid until the call that lent these parameters returns. */
  int32_t (*string)(const void *context, const char *name, int32_t input, const char **value);
} centram_parameters_t;

/* ---- merge operators: "centram.merge/1" ------------------------------------------------------------------------ */

enum {
  CENTRAM_MERGE_NEEDS_BASE = 1,       /* refuses to run without a base model */
  CENTRAM_MERGE_BASE_IS_INPUT = 2,    /* the base is just another input: linear, karcher */
  CENTRAM_MERGE_USES_SEED = 4         /* the result depends on the seed */
};

/* How a tensor may be cut into blocks. */
enum {
  CENTRAM_BLOCKS_ANY = 0,  /* anywhere */
  CENTRAM_BLOCKS_ROWS = 1, /* whole rows: runs along the last axis; a vector is one row */
  CENTRAM_BLOCKS_WHOLE = 2 /* the whole tensor at once: costs memory, avoid */
};

typedef struct centram_merge_block {
  uint32_t struct_size;
  uint32_t input_count;
  uint64_t offset;            /* of the first element, in row-major order */
  uint64_t count;
  const float *const *inputs; /* input_count pointers to `count` elements; those of inputs not asked for are NULL */
  float *output;              /* `count` elements to write in for_each_block; NULL in reduce */
} centram_merge_block_t;

typedef struct centram_merge_request {
  uint32_t struct_size;
  int32_t base_index;         /* which input is the base model, or -1 */
  uint32_t input_count;
  uint32_t rank;              /* number of axes; 0 for a scalar */
  const char *tensor;         /* name in the output */
  const uint64_t *shape;      /* `rank` extents */
  uint64_t count;             /* elements */
  const char *const *models;  /* input_count names, as the user wrote them */
  uint64_t seed;
  const centram_parameters_t *parameters;
  const void *context;
  /* Calls `body` for blocks that together cover the tensor once, from several threads at once. `inputs` lists the
     inputs wanted (NULL: all). Stops at the first non-zero return of `body` and returns it. */
  int32_t (*for_each_block)(const void *context, int32_t granularity, const uint32_t *inputs, size_t input_count,
                            int32_t (*body)(void *user, const centram_merge_block_t *block), void *user);
  /* Folds over the tensor without output. The tensor is cut into a number of stripes that does not depend on the
     threads; each stripe has its own state of `state_size` bytes, zeroed at first, and sees its blocks in order; then
     the first state is copied to `result` and the others are combined into it in order. So the result has the same bits
     for any number of threads. */
  int32_t (*reduce)(const void *context, int32_t granularity, const uint32_t *inputs, size_t input_count, size_t state_size,
                    int32_t (*body)(void *user, void *state, const centram_merge_block_t *block),
                    void (*combine)(void *user, void *into, const void *from), void *user, void *result);
  /* Fills `mask` (1 = keep) for one input from the caller's own masks and returns 1; 0: draw it yourself. */
  int32_t (*mask)(const void *context, uint32_t input, uint64_t offset, uint64_t count, uint8_t *mask);
} centram_merge_request_t;

typedef struct centram_merge_v1 {
  uint32_t struct_size;
  uint32_t flags;              /* CENTRAM_MERGE_* */
  uint32_t minimum_inputs;     /* the base not counted, unless CENTRAM_MERGE_BASE_IS_INPUT */
  uint32_t maximum_inputs;     /* 0: no limit */
  const centram_parameter_t *parameters;
  size_t parameter_count;
  void *(*create)(const char *configuration_json, char *error, size_t error_capacity);
  void (*destroy)(void *self);
  /* Merges one tensor. Never called twice at once for the same instance; the blocks come from several threads.
     Everything in `request` is lent for the call. */
  int32_t (*merge)(void *self, const centram_merge_request_t *request, char *error, size_t error_capacity);
} centram_merge_v1_t;

/* ---- gate layers: "centram.gate/1" ----------------------------------------------------------------------------- */

enum { CENTRAM_DIRECTION_INBOUND = 1, CENTRAM_DIRECTION_OUTBOUND = 2 };
enum { CENTRAM_VERDICT_ACCEPT = 0, CENTRAM_VERDICT_SCALE = 1, CENTRAM_VERDICT_QUARANTINE = 2, CENTRAM_VERDICT_REJECT = 3 };

typedef struct centram_bytes { const uint8_t *data; uint64_t count; } centram_bytes_t;

typedef struct centram_candidate {
  uint32_t struct_size;
  int32_t direction;              /* one CENTRAM_DIRECTION_* */
  uint8_t content_hash[32];
  centram_bytes_t manifest;       /* the bytes as signed */
  uint8_t manifest_signature[64];
  centram_bytes_t adapter_config; /* adapter_config.json; empty for a full delta */
  centram_bytes_t weights;        /* the safetensors file */
  const char *policy_json;        /* this layer's settings */
} centram_candidate_t;

typedef struct centram_verdict_sink {
  uint32_t struct_size;
  void *context;
  /* What a person can read: one finding a call. */
  void (*evidence)(void *context, const char *name, const char *value);
  /* Exactly once. `factor` counts for SCALE only, in (0, 1]; `reason` may be "" for ACCEPT only. */
  void (*decide)(void *context, int32_t decision, double factor, const char *reason);
} centram_verdict_sink_t;

typedef struct centram_gate_v1 {
  uint32_t struct_size;
  uint32_t position;   /* 1 to 10 for the ten layers; larger runs later */
  uint32_t directions; /* CENTRAM_DIRECTION_* or-ed */
  uint32_t reserved;   /* 0 */
  void *(*create)(const char *configuration_json, char *error, size_t error_capacity);
  void (*destroy)(void *self);
  int32_t (*judge)(void *self, const centram_candidate_t *candidate, const centram_verdict_sink_t *verdict, char *error, size_t error_capacity);
} centram_gate_v1_t;

/* ---- economy rules: "centram.economy/1" ------------------------------------------------------------------------ */

typedef struct centram_economy_event {
  uint32_t struct_size;
  uint32_t reserved;
  const char *type;        /* "payment", "inference", "epoch" */
  int64_t amount;          /* micro-CEN */
  const char *subject;     /* the genome or model it is about, hex */
  const char *payer;       /* account, hex */
  const char *payee;
  const char *details_json;
} centram_economy_event_t;

/* A read-only view of lineage and balances: a pure rule gets no other input. Each returns 1, or 0 where unknown. */
typedef struct centram_ledger_view {
  uint32_t struct_size;
  const void *context;
  int32_t (*owner)(const void *context, const char *genome, const char **account);
  int32_t (*generation)(const void *context, const char *genome, int64_t *generation);
  uint64_t (*parent_count)(const void *context, const char *genome);
  int32_t (*parent)(const void *context, const char *genome, uint64_t index, const char **parent, int64_t *basis_points);
  int32_t (*balance)(const void *context, const char *account, int64_t *micro_cen);
} centram_ledger_view_t;

typedef struct centram_economy_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  void *(*create)(const char *configuration_json, char *error, size_t error_capacity);
  void (*destroy)(void *self);
  /* Emits postings that sum to zero. Pure: same event and view, same postings in the same order. */
  int32_t (*postings)(void *self, const centram_economy_event_t *event, const centram_ledger_view_t *view,
                      void (*emit)(void *user, const char *account, int64_t micro_cen, const char *memo), void *user,
                      char *error, size_t error_capacity);
} centram_economy_v1_t;

/* ---- trainers: "centram.trainer/1" ----------------------------------------------------------------------------- */

/* The model to train, lent for the call. Tensors are float32, row-major, named as in the checkpoint. */
typedef struct centram_trainable {
  uint32_t struct_size;
  void *context;
  uint64_t (*tensor_count)(void *context);
  int32_t (*tensor)(void *context, uint64_t index, const char **name, uint32_t *rank, const uint64_t **shape, float **data);
  /* Makes adapter factors trainable on the named modules; they then count among the tensors. */
  int32_t (*attach_adapter)(void *context, const char *adapter_config_json, uint64_t seed);
  /* Mean loss in nat a token over `batch` sequences of `length` tokens, and the gradients of all trainable tensors
     added to the accumulators that `gradient` lends. `example_norms`, where not NULL, gets a norm a sequence. */
  int32_t (*accumulate)(void *context, const int32_t *tokens, uint64_t batch, uint64_t length, double clip_norm, double *loss, double *example_norms);
  int32_t (*gradient)(void *context, uint64_t index, float **data);
} centram_trainable_t;

typedef struct centram_trainer_request {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t seed;
  const char *settings_json;      /* hyperparameters and, where asked for, privacy settings */
  centram_bytes_t resume_state;   /* what `checkpoint` was given before, or empty */
  const centram_trainable_t *model;
  void *context;
  /* Fills `batch` sequences of `length` token ids for a step; the same for the same step and seed. */
  int32_t (*batch)(void *context, uint64_t step, uint64_t batch, uint64_t length, int32_t *tokens);
  void (*event)(void *context, const char *event_json);                         /* progress: step, loss, ... */
  int32_t (*checkpoint)(void *context, const uint8_t *state, uint64_t count);   /* durable when it returns */
  int32_t (*is_cancelled)(void *context);
  void (*result)(void *context, const char *metrics_json, const char *privacy_record_json);
} centram_trainer_request_t;

typedef struct centram_trainer_v1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */
  const centram_parameter_t *parameters;
  size_t parameter_count;
  void *(*create)(const char *configuration_json, char *error, size_t error_capacity);
  void (*destroy)(void *self);
  int32_t (*train)(void *self, const centram_trainer_request_t *request, char *error, size_t error_capacity);
} centram_trainer_v1_t;

/* ---- transports: "centram.transport/1" ------------------------------------------------------------------------- */

/* Called exactly once for each operation, from any thread, also before the function that started it returned.
   `value` is a byte count or a handle, as the operation says. */
typedef void (*centram_done_fn)(void *done_context, int32_t status, int64_t value, const char *message);

enum {
  CENTRAM_TRANSPORT_ENCRYPTED = 1,
  CENTRAM_TRANSPORT_DATAGRAMS = 2,
  CENTRAM_TRANSPORT_MIGRATES = 4,
  CENTRAM_TRANSPORT_RELAYED = 8
};

/* Handles are positive numbers of the plugin's choice; buffers are lent until `done`. */
typedef struct centram_transport_v1 {
  uint32_t struct_size;
  uint32_t features;  /* CENTRAM_TRANSPORT_* */
  const char *scheme; /* "quic" in quic://host:port */
  void *(*create)(const char *configuration_json, char *error, size_t error_capacity);
  void (*destroy)(void *self);
  void (*listen)(void *self, const char *address, centram_done_fn done, void *done_context); /* value: a listener */
  int32_t (*listener_address)(void *self, int64_t listener, char *address, size_t capacity);
  void (*accept)(void *self, int64_t listener, centram_done_fn done, void *done_context);    /* value: a connection */
  void (*close_listener)(void *self, int64_t listener, centram_done_fn done, void *done_context);
  /* `expected_peer`: 32 bytes, or NULL to take whoever answers. value: a connection */
  void (*dial)(void *self, const char *address, const uint8_t *expected_peer, centram_done_fn done, void *done_context);
  int32_t (*peer)(void *self, int64_t connection, uint8_t key[32]);
  /* The channel binding (a TLS exporter value); writes at most `capacity` bytes and returns the length, 0: none. */
  size_t (*channel_binding)(void *self, int64_t connection, uint8_t *bytes, size_t capacity);
  void (*open_stream)(void *self, int64_t connection, centram_done_fn done, void *done_context);   /* value: a stream */
  void (*accept_stream)(void *self, int64_t connection, centram_done_fn done, void *done_context); /* value: a stream */
  void (*send_datagram)(void *self, int64_t connection, const uint8_t *bytes, size_t count, centram_done_fn done, void *done_context);
  void (*receive_datagram)(void *self, int64_t connection, uint8_t *bytes, size_t capacity, centram_done_fn done, void *done_context);
  void (*close_connection)(void *self, int64_t connection, uint64_t code, const char *reason, centram_done_fn done, void *done_context);
  /* Done when the bytes were taken, which is when the peer's flow control allows: that is the back-pressure. */
  void (*send)(void *self, int64_t stream, const uint8_t *bytes, size_t count, centram_done_fn done, void *done_context);
  /* value: bytes received, 0 at the peer's end of the stream */
  void (*receive)(void *self, int64_t stream, uint8_t *bytes, size_t capacity, centram_done_fn done, void *done_context);
  void (*finish)(void *self, int64_t stream, centram_done_fn done, void *done_context); /* half-close: no more from here */
  void (*reset)(void *self, int64_t stream, uint64_t code, centram_done_fn done, void *done_context);
} centram_transport_v1_t;

/* ---- the ELF note ----------------------------------------------------------------------------------------------- */

typedef struct centram_note {
  uint32_t name_size, descriptor_size, type;
  char name[8];
  uint32_t magic;
  uint16_t c_abi_major, c_abi_minor, swift_api_major, swift_api_minor;
  uint32_t lanes;
  char toolchain[160];
  char api_fingerprint[72];
} centram_note_t;

#define CENTRAM_NOTE_INITIALIZER(lanes_, toolchain_, fingerprint_)                                                  \
  { 8, sizeof(centram_note_t) - 20, 1, "Centram", CENTRAM_MAGIC, CENTRAM_C_ABI_MAJOR, CENTRAM_C_ABI_MINOR,          \
    ((lanes_) & CENTRAM_LANE_SWIFT) ? CENTRAM_SWIFT_API_MAJOR : 0, ((lanes_) & CENTRAM_LANE_SWIFT) ? CENTRAM_SWIFT_API_MINOR : 0, \
    (lanes_), toolchain_, fingerprint_ }

/* Once, at file scope, in each plugin: CENTRAM_NOTE(CENTRAM_LANE_C, "", ""); */
#define CENTRAM_NOTE(lanes_, toolchain_, fingerprint_)                                                              \
  __attribute__((section(".note.centram"), used, aligned(4))) static const centram_note_t centram_note_ =           \
      CENTRAM_NOTE_INITIALIZER(lanes_, toolchain_, fingerprint_)

/* As the including module was compiled: inlined, so never the host's. */
static inline const char *centram_compiled_toolchain(void) { return CENTRAM_TOOLCHAIN; }
static inline const char *centram_compiled_fingerprint(void) { return CENTRAM_API_FINGERPRINT; }

#ifdef __cplusplus
}
#endif
#endif
