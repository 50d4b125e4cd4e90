import CentramModel
import Foundation
import Testing

/// Every case of the goldens, through the real binary: the configuration as it is, the output against mergekit's.
@Suite struct GoldenMergeTests {
  struct Index: Decodable {
    let cases: [Case]
  }

  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    struct Tolerance: Decodable, Sendable {
      let kind: String
      let atol: Float?, rtol: Float?
      let max_outside_fraction: Double
    }
    let id: String, method: String, config_file: String, expected: String
    let ideal: String?, masks: String?
    let tolerance: Tolerance
    let tolerance_vs_ideal: Ideal?
    let out_vocab: [String: Int]?
    let out_config: Configuration
    struct Ideal: Decodable, Sendable { let max_outside_fraction: Double }
    struct Configuration: Decodable, Sendable {
      let num_hidden_layers: Int?, vocab_size: Int?, dtype: String?, tie_word_embeddings: Bool?
    }
    var testDescription: String { id }
  }

  static let cases: [Case] = {
    do {
      return try JSONDecoder().decode(Index.self, from: Data(contentsOf: URL(fileURLWithPath: Repository.golden + "/index.json"))).cases
    } catch {
      Issue.record("the goldens cannot be read: \(error)")
      return []
    }
  }()

  @Test func allCasesAreThere() { #expect(Self.cases.count == 77) }

  @Test(arguments: cases) func equalsMergekitWithinTheTolerance(golden: Case) throws {
    let folder = try TemporaryFolder()
    let text = try String(contentsOfFile: Repository.golden + "/" + golden.config_file, encoding: .utf8)
    let configuration = try folder.write(text.replacingOccurrences(of: "${M}", with: Repository.models), as: "config.yml")
    var arguments = ["merge", configuration, folder("out"), "--quiet"]
    if let masks = golden.masks { arguments += ["--masks", Repository.golden + "/" + masks] }
    let result = try Binary.run(arguments)
    try #require(result.status == 0, "\(result.errors)")

    let ours = try Checkpoint(path: folder("out"))
    let theirs = try SafetensorsFile(path: Repository.golden + "/" + golden.expected)
    #expect(Set(ours.tensorNames) == Set(theirs.tensors.map(\.name)))
    try compare(ours, theirs, golden, outside: golden.tolerance.max_outside_fraction) { x, y in
      golden.tolerance.kind == "bf16"
        ? abs(x - y) <= 0x1p-7 * max(abs(y), 0x1p-9) : abs(x - y) <= (golden.tolerance.atol ?? 0) + (golden.tolerance.rtol ?? 0) * abs(y)
    }
    if let path = golden.ideal { try checkNearness(ours, theirs, try SafetensorsFile(path: Repository.golden + "/" + path), golden) }
    try checkConfiguration(folder("out/config.json"), golden.out_config)
  }

  private func compare(
    _ ours: Checkpoint, _ theirs: SafetensorsFile, _ golden: Case, outside allowed: Double, _ isNear: (Float, Float) -> Bool
  ) throws {
    var outside = 0, count = 0
    for tensor in theirs.tensors {
      let entry = try #require(ours.entry(tensor.name))
      #expect(entry.tensor.shape == tensor.shape)
      // mergekit writes these two methods' tensors as float32 whatever the models are.
      if !["arcee_fusion", "ramplus_tl"].contains(golden.method) { #expect(entry.tensor.format == tensor.format) }
      var mine = entry.file.floats(of: entry.tensor)
      if let order = golden.out_vocab, tensor.name.contains("embed_tokens") || tensor.name.contains("lm_head") {
        mine = try reorder(mine, columns: tensor.shape[1], ours.path, order)
      }
      for (x, y) in zip(mine, theirs.floats(of: tensor)) where !isNear(x, y) { outside += 1 }
      count += tensor.count
    }
    #expect(Double(outside) <= allowed * Double(count), "\(outside) of \(count) outside")
  }

  /// mergekit appends the tokens of a union in the order of a hash table, so rows are compared by token.
  private func reorder(_ rows: [Float], columns: Int, _ folder: String, _ order: [String: Int]) throws -> [Float] {
    struct Tokenizer: Decodable {
      struct Model: Decodable { let vocab: [String: Int] }
      let model: Model
    }
    let tokenizer = try JSONDecoder().decode(Tokenizer.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/tokenizer.json")))
    #expect(Set(tokenizer.model.vocab.keys) == Set(order.keys))
    var result = rows
    for (token, row) in order {
      let mine = try #require(tokenizer.model.vocab[token])
      result.replaceSubrange(row * columns..<(row + 1) * columns, with: rows[mine * columns..<(mine + 1) * columns])
    }
    return result
  }

  /// Within one unit of the ideal, which is float64 rounded once, and no farther from it than mergekit.
  private func checkNearness(_ ours: Checkpoint, _ theirs: SafetensorsFile, _ ideal: SafetensorsFile, _ golden: Case) throws {
    var mine = 0.0, mergekit = 0.0, outside = 0, count = 0
    for tensor in ideal.tensors {
      let entry = try #require(ours.entry(tensor.name))
      let other = try #require(theirs.tensor(tensor.name))
      let exact = ideal.floats(of: tensor)
      for (index, x) in entry.file.floats(of: entry.tensor).enumerated() {
        let ulps = abs(Int32(bitPattern: x.bitPattern >> 16) - Int32(bitPattern: exact[index].bitPattern >> 16))
        if ulps > 1 && x != exact[index] { outside += 1 }
        mine += Double(x - exact[index]) * Double(x - exact[index])
      }
      for (y, z) in zip(theirs.floats(of: other), exact) { mergekit += Double(y - z) * Double(y - z) }
      count += tensor.count
    }
    #expect(mine <= mergekit, "squared distance \(mine) to the ideal, mergekit's \(mergekit)")
    if let allowed = golden.tolerance_vs_ideal { #expect(Double(outside) <= allowed.max_outside_fraction * Double(count)) }
  }

  private func checkConfiguration(_ path: String, _ wanted: Case.Configuration) throws {
    let written = try JSONDecoder().decode(Case.Configuration.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    if let layers = wanted.num_hidden_layers { #expect(written.num_hidden_layers == layers) }
    if let size = wanted.vocab_size { #expect(written.vocab_size == size) }
    if let dtype = wanted.dtype { #expect(written.dtype == dtype) }
    if let tied = wanted.tie_word_embeddings { #expect(written.tie_word_embeddings == tied) }
  }
}
