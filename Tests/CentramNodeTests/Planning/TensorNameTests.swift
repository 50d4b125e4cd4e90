import CentramModel
import Testing

@testable import CentramNode

@Suite struct TensorNameTests {
  @Test(arguments: [
    ("model.layers.12.mlp.up_proj.weight", "model.layers", 12, "mlp.up_proj.weight"), ("transformer.h.0.attn.c_attn.bias", "transformer.h", 0, "attn.c_attn.bias"),
    ("encoder.block.3.layer.0.SelfAttention.q.weight", "encoder.block", 3, "layer.0.SelfAttention.q.weight"),
    ("bert.encoder.layer.1.output.dense.weight", "bert.encoder.layer", 1, "output.dense.weight"),
    ("vision.blocks.7.norm.weight", "vision.blocks", 7, "norm.weight"), ("layers.0.x", "layers", 0, "x"),
    ("model.layers.3.block_sparse_moe.experts.5.w1.weight", "model.layers", 3, "block_sparse_moe.experts.5.w1.weight"),
    ("model.adapters.2.layers.3.w", "model.adapters.2.layers", 3, "w"),
  ])
  func findsTheNumberOfTheLayer(_ name: String, _ stack: String, _ layer: Int, _ tail: String) {
    #expect(TensorName.layered(name) == .init(stack: stack, layer: layer, tail: tail))
  }

  @Test(arguments: [
    "model.norm.weight", "lm_head.weight", "model.layers.weight", "layers", "model.layers.01.w", "model.layers.0", "model.layers.x.w", "h.1234567.w", "conv.0.weight",
  ])
  func otherNamesHaveNoLayer(_ name: String) { #expect(TensorName.layered(name) == nil) }

  @Test(arguments: [
    "model.embed_tokens.weight", "transformer.wte.weight", "transformer.wpe.weight", "tok_embeddings.weight", "gpt_neox.embed_in.weight", "shared.weight",
    "bert.embeddings.position_embeddings.weight", "transformer.word_embeddings_layernorm.weight", "token_embd.weight", "rotary_emb.inv_freq",
  ])
  func embeddingsComeBeforeTheLayers(_ name: String) { #expect(TensorName.isPre(name)) }

  @Test(arguments: ["model.norm.weight", "transformer.ln_f.bias", "lm_head.weight", "embed_out.weight", "output.weight", "score.weight"])
  func everythingElseComesBehind(_ name: String) { #expect(!TensorName.isPre(name)) }

  @Test(arguments: [
    ("model.embed_tokens.weight", 2, true), ("lm_head.weight", 2, true), ("lm_head.bias", 1, true), ("output.weight", 2, true), ("embed_out.weight", 2, true),
    ("transformer.wte.weight", 2, true), ("transformer.wpe.weight", 2, false), ("bert.embeddings.position_embeddings.weight", 2, false),
    ("lm_head.weight", 1, false), ("model.embed_tokens.weight", 3, false), ("model.layers.0.output.weight", 2, false), ("model.norm.weight", 1, false),
    ("model.layers.0.embedding.weight", 2, false),
  ])
  func vocabularyTensorsHaveARowForEachToken(_ name: String, _ rank: Int, _ expected: Bool) {
    #expect(TensorName.isVocabulary(name, rank: rank) == expected)
  }

  @Test func ordersNumbersByTheirValue() {
    let names = ["a.10.x", "a.2.x", "a.2", "a.02.x", "b", "a.2.w", "a.x", "a.1000000000000000000000000.x", ""]
    #expect(
      names.sorted(by: TensorName.naturallyPrecedes) == ["", "a.2", "a.2.w", "a.02.x", "a.2.x", "a.10.x", "a.1000000000000000000000000.x", "a.x", "b"])
  }

  @Test func findsLayersBehindUnknownWords() {
    var entries: [String: TensorCatalog.Entry] = ["net.out.weight": .init(.float32, [1])]
    for i in 0..<3 { for part in ["a", "b"] { entries["net.cells.\(i).\(part)"] = .init(.float32, [1]) } }
    for i in [1, 3] { entries["net.gap.\(i).a"] = .init(.float32, [1]) }
    let stacks = LayerStacks(TensorCatalog(entries))
    #expect(stacks.names == ["net.cells"])
    #expect(stacks.count("net.cells") == 3)
    #expect(stacks.rest == ["net.out.weight", "net.gap.1.a", "net.gap.3.a"])
  }

  @Test func aModelWithoutNumbersHasNoLayers() {
    let stacks = LayerStacks(TensorCatalog(["weight": .init(.float32, [1]), "conv.0.weight": .init(.float32, [1])]))
    #expect(stacks.names.isEmpty && stacks.rest.count == 2 && stacks.largest == 0)
  }
}
