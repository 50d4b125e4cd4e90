// A merge operator in C++: the sum of all inputs.
#include "centram_plugin.h"
#include <cstring>
#include <new>

CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

namespace {

struct Sum {
  int32_t merge(const centram_merge_request_t &request) const {
    return request.for_each_block(
        request.context, CENTRAM_BLOCKS_ANY, nullptr, 0,
        [](void *, const centram_merge_block_t *block) -> int32_t {
          for (uint64_t at = 0; at < block->count; at++) {
            float sum = 0;
            for (uint32_t input = 0; input < block->input_count; input++) sum += block->inputs[input][at];
            block->output[at] = sum;
          }
          return CENTRAM_OK;
        },
        nullptr);
  }
};

const void *interface(const char *id) {
  static const centram_merge_v1_t table = [] {
    centram_merge_v1_t table{};
    table.struct_size = sizeof table;
    table.minimum_inputs = 1;
    table.create = [](const char *, char *, size_t) -> void * { return new (std::nothrow) Sum; };
    table.destroy = [](void *self) { delete static_cast<Sum *>(self); };
    table.merge = [](void *self, const centram_merge_request_t *request, char *, size_t) { return static_cast<Sum *>(self)->merge(*request); };
    return table;
  }();
  return std::strcmp(id, "centram.merge/1") ? nullptr : &table;
}

}  // namespace

extern "C" CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor() {
  static const centram_descriptor_t descriptor = [] {
    centram_descriptor_t it{};
    it.magic = CENTRAM_MAGIC;
    it.struct_size = sizeof it;
    it.c_abi_major = CENTRAM_C_ABI_MAJOR;
    it.c_abi_minor = CENTRAM_C_ABI_MINOR;
    it.lanes = CENTRAM_LANE_C;
    it.kind = CENTRAM_KIND_MERGE_OPERATOR;
    it.id = "sdk.merge.sum-cc";
    it.version = "1.0.0";
    it.summary = "The sum of all inputs";
    it.toolchain = it.api_fingerprint = "";
    it.get_interface = interface;
    return it;
  }();
  return &descriptor;
}
