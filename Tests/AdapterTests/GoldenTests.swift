import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

/// Results of PEFT 0.21.2 and mergekit 0.1.5.
@Suite struct GoldenTests {
  @Test(arguments: GoldenIndex.combinations) func peftOperatorEqualsPEFT(_ golden: GoldenIndex.Combination) throws {
    let inputs = try golden.adapters.map { AdapterMergeJob.Input(name: $0, adapter: try Fixtures.adapter($0)) }
    var options = AdapterMergeJob.Options()
    options.masks = try golden.masks.map { RecordedMasks(file: try SafetensorsFile(path: GoldenIndex.path($0))) }
    var shared: [String: ParameterValue] = ["combination_type": .string(golden.combination_type)]
    shared["density"] = golden.density.map(ParameterValue.number)
    shared["majority_sign_method"] = golden.majority_sign_method.map(ParameterValue.string)
    shared["svd_rank"] = golden.svd_rank.map { .number(Double($0)) }
    shared["svd_clamp"] = golden.svd_clamp.map(ParameterValue.number)
    let parameters = Parameters(shared: shared, perInput: golden.weights.map { ["weight": .number($0)] })
    let job = AdapterMergeJob(
      inputs, rule: "merge.peft", operation: try Operators.make("merge.peft"), options: options, parameters: { _ in parameters },
      resolve: Operators.resolve)
    let (contents, _) = try job.merged()
    let expected = try SafetensorsFile(path: GoldenIndex.path(golden.expected))
    var compared = 0
    var worst = 0.0
    for module in contents.modules {
      let isEmbedding = module.kind == .embedding
      guard let a = expected.tensor(module.name + (isEmbedding ? ".lora_embedding_A" : ".lora_A.weight")),
        let b = expected.tensor(module.name + (isEmbedding ? ".lora_embedding_B" : ".lora_B.weight"))
      else {
        Issue.record("\(module.name) is not in the golden")
        continue
      }
      compared += 2
      #expect(module.rank == golden.out_r && a.shape[0] == golden.out_r)
      // A single adapter is only scaled, whatever the type.
      if golden.combination_type.hasSuffix("svd"), golden.adapters.count > 1 {
        let product = product(
          expected.floats(of: a), expected.floats(of: b), outputs: module.outputs, inputs: module.inputs, rank: a.shape[0])
        worst = max(worst, largestDifference(module.delta, product))
      } else {
        expectClose(module.a, expected.floats(of: a), "\(module.name) A")
        expectClose(module.b, expected.floats(of: b), "\(module.name) B")
      }
    }
    #expect(worst <= 2e-6)
    #expect(compared == expected.tensors.count)
  }

  @Test(arguments: GoldenIndex.unloads) func adaptedTensorsEqualMergeAndUnload(_ golden: GoldenIndex.Unload) throws {
    let adapter = try Fixtures.adapter(String(golden.adapter))
    let basePath = GoldenIndex.path(golden.base)
    let base = try SafetensorsFile(path: basePath.hasSuffix(".safetensors") ? basePath : basePath + "/model.safetensors")
    let expected = try SafetensorsFile(path: GoldenIndex.path(golden.expected))
    for tensor in base.tensors {
      let source = try AdaptedSource.source(of: tensor.name, shape: tensor.shape, base: MappedSource(tensor, of: base), adapter: adapter)
      guard let golden = expected.tensor(tensor.name) else {
        #expect(adapter.module(forTensor: tensor.name) == nil, "\(tensor.name)")
        continue
      }
      var values = [Float](repeating: 0, count: source.count)
      values.withUnsafeMutableBufferPointer { source.read(offset: 0, count: source.count, into: $0.baseAddress!) }
      if tensor.format == .bfloat16 {
        // Rounded once, as the output is; PEFT's own bf16 result.
        var bytes = [UInt8](repeating: 0, count: 2 * values.count)
        bytes.withUnsafeMutableBytes { NumberFormat.bfloat16.encode(values, count: values.count, into: $0.baseAddress!) }
        #expect(bytes.elementsEqual(expected.bytes(of: golden)), "\(tensor.name)")
      } else {
        expectClose(values, expected.floats(of: golden), tensor.name)
      }
    }
    #expect(adapter.modulesWithoutTensor(among: base.tensors.map(\.name)).isEmpty)
  }

  @Test(arguments: GoldenIndex.extractions) func extractionEqualsMergekits(_ golden: GoldenIndex.Extraction) throws {
    var options = LoraExtraction.Options()
    if let index = golden.args.firstIndex(of: "--max-rank") { options.maximumRank = Int(golden.args[index + 1])! }
    if let index = golden.args.firstIndex(of: "--sv-epsilon") { options.threshold = Double(golden.args[index + 1])! }
    options.distributesScale = !golden.args.contains("--no-distribute-scale")
    let extraction = LoraExtraction(
      model: FileTensors(file: try SafetensorsFile(path: GoldenIndex.path(golden.model) + "/model.safetensors")),
      base: FileTensors(file: try SafetensorsFile(path: GoldenIndex.path(golden.base) + "/model.safetensors")),
      operation: try #require(try Operators.make("merge.lora_svd") as? any AdapterExtracting), options: options)
    let (contents, _) = try extraction.extracted()
    let expected = try Adapter(folder: GoldenIndex.path(golden.expected))
    #expect(contents.modules.map(\.name).sorted() == expected.modules.map(\.name))
    #expect(contents.modules.map(\.rank).max() == expected.configuration.rank)
    #expect(Set(contents.modulesToSave) == Set(expected.configuration.modulesToSave))
    #expect(expected.configuration.targets == .names(try #require(contents.targets)))
    for module in contents.modules {
      let other = try #require(expected.module(module.name))
      #expect(module.rank == other.rank, "\(module.name)")
      #expect(largestDifference(module.delta, try expected.delta(other)) <= 2e-6, "\(module.name)")
      // Signs apart, the factors are unique: compare the lengths of A's rows.
      let (a, _) = try expected.factors(of: other)
      for row in 0..<module.rank {
        func length(_ floats: [Float]) -> Double { floats[(row * module.inputs)..<((row + 1) * module.inputs)].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
        #expect(abs(length(a) - length(module.a)) < 1e-5, "\(module.name) row \(row)")
      }
    }
  }
}

struct FileTensors: ExtractionTensors {
  let file: SafetensorsFile
  var names: [String] { file.tensors.map(\.name) }
  func tensor(_ name: String) throws(MergeError) -> ExtractionTensor {
    guard let tensor = file.tensor(name) else { throw MergeError(.input, "no tensor \(name)") }
    return ExtractionTensor(format: tensor.format, shape: tensor.shape, source: MappedSource(tensor, of: file))
  }
}
