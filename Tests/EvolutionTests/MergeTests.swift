import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// Recipes carried out.
@Suite struct MergeTests {
  let node: SmallNode
  init() throws { node = try SmallNode() }

  private func recipe(_ parents: [GenomeRecord], _ parameters: String = "{}", operator id: String = "merge.lora_cat", version: String = "1.0.0") -> MergeRecipe {
    MergeRecipe(
      operatorID: id, operatorVersion: version, parametersJSON: parameters,
      parents: parents.enumerated().map { .init(id: $1.id, basisPoints: $0 == 0 ? 10_000 - 2500 * (parents.count - 1) : 2500) }, base: SmallAdapter.base,
      genomeKind: "adapter")
  }

  @Test func theSameRecipeGivesTheSameBytesAndSharesStandForWeights() async throws {
    let parents = [try node.own(1), try node.accepted(2)]
    let merge = GenomeMerge(store: node.store, operators: Linked.mergeOperator)
    let first = try await merge.files(recipe(parents)), again = try await merge.files(recipe(parents)),
      spelled = try await merge.files(recipe(parents, #"{"weight.0":0.75,"weight.1":0.25}"#))
    let other = try await merge.files(recipe(parents, #"{"weight.0":0.5}"#)), half = try await merge.files(recipe(parents, #"{"format":"BF16"}"#))
    #expect(first?.map(\.name) == ["adapter_config.json", "adapter_model.safetensors"] && first?.map(\.bytes) == again?.map(\.bytes))
    #expect(first?.map(\.bytes) == spelled?.map(\.bytes) && first?.last?.bytes != other?.last?.bytes && half!.last!.bytes.count < first!.last!.bytes.count)
  }

  @Test func whatIsNotHereIsNilAndWhatCannotBeIsAnError() async throws {
    let parents = [try node.own(1), try node.accepted(2)], merge = GenomeMerge(store: node.store, operators: Linked.mergeOperator)
    let version = try await merge.files(recipe(parents, version: "9.0.0")), unknown = try await merge.files(recipe(parents, operator: "merge.none"))
    var missing = recipe(parents)
    missing.parents[0].id = String(repeating: "0", count: 64)
    let gone = try await merge.files(missing)
    #expect(version == nil && unknown == nil && gone == nil)
    for (parameters, words) in [
      (#"{"weights":1}"#, "no parameter weights"), (#"{"weight.2":1}"#, "no parameter weight.2"), (#"{"weight.0":[1]}"#, "neither a number"), ("[]", "no JSON object"),
      (#"{"format":"F8"}"#, "F32, F16 or BF16"), (#"{"seed":-1}"#, "from 0"), (#"{"weight.0":1,"weight.0":2}"#, "weight.0"),
    ] {
      let error = await refusal { _ = try await merge.files(recipe(parents, parameters)) }
      #expect(error?.code == .malformed && error?.message.contains(words) == true, "\(parameters): \(String(describing: error))")
    }
    var stranger = recipe(parents)
    stranger.base = String(repeating: "cd", count: 32)
    let base = await refusal { _ = try await merge.files(stranger) }
    #expect(base?.code == .malformed)
  }

  @Test func fullDeltasAreMergedByADenseOperator() async throws {
    let parents = [try node.delta([1, 2, 3, 4]), try node.delta([3, 2, 1, 0])]
    var recipe = recipe(parents, #"{"normalize":false}"#, operator: "merge.linear")
    recipe.genomeKind = "full-delta"
    let files = try #require(try await GenomeMerge(store: node.store, operators: Linked.mergeOperator).files(recipe))
    let values = files[0].bytes.suffix(16).withUnsafeBytes { bytes in (0..<4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) } }
    #expect(files.map(\.name) == ["delta.safetensors"] && values == [1.5, 2, 2.5, 3])
    recipe.operatorID = "merge.lora_cat"
    recipe.parametersJSON = "{}"
    let adapters = recipe, error = await refusal { _ = try await GenomeMerge(store: node.store, operators: Linked.mergeOperator).files(adapters) }
    #expect(error?.code == .usage && error?.message.contains("dense operator") == true)
  }
}
