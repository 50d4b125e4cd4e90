import CentramModel
import Foundation
import Testing

@testable import CentramNode

@Suite struct AlignedRowsSourceTests {
  private func read(_ source: some TensorSource, _ offset: Int, _ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { source.read(offset: offset, count: count, into: base) }
      initialized = count
    }
  }

  private func settings(_ configuration: OrderedJSON) throws -> VocabularySettings {
    let tokenizer = configuration["tokenizer"]
    var settings = VocabularySettings(padToMultipleOf: tokenizer?["pad_to_multiple_of"]?.integer)
    switch try MergeGolden.resolved((configuration["tokenizer_source"] ?? tokenizer?["source"])?.string ?? "base") {
    case "base": break
    case "union": settings.source = .union
    case let reference: settings.source = .model(reference)
    }
    for member in tokenizer?["tokens"]?.object?.members ?? [] {
      var token = VocabularySettings.Token(member.key, force: member.value["force"]?.bool ?? false)
      if let reference = member.value["source"]?.string {
        token.source = .model(try MergeGolden.resolved(reference))
      } else if let model = try member.value["source"]?["model"]?.string.map(MergeGolden.resolved) {
        token.source =
          member.value["source"]?["token_id"]?.integer.map { .id($0, of: model) }
          ?? .token(member.value["source"]?["token"]?.string ?? "", of: model)
      } else if member.value["source"] != nil {
        token.source = .zero
      }
      settings.tokens.append(token)
    }
    return settings
  }

  /// Linear merges of aligned tensors, compared token by token: mergekit's order of new tokens changes from run to run.
  @Test func agreesWithMergekitTokenByToken() throws {
    var checked = 0
    for golden in try MergeGolden.cases() {
      guard let expectedIDs = golden["out_vocab"]?.object, golden["method"] == .string("linear"), let configuration = golden["config"],
        let expectedPath = golden["expected"]?.string
      else { continue }
      let listed = configuration["models"]?.array ?? []
      let paths = try listed.map { try MergeGolden.resolved($0["model"]?.string ?? "") }
      let weights = try listed.map { try #require(Double($0["parameters"]?["weight"].flatMap { if case .number(let text) = $0 { text } else { nil } } ?? "")) }
      let base = try configuration["base_model"]?.string.map(MergeGolden.resolved).flatMap { paths.firstIndex(of: $0) }
      let files = try paths.map { try SafetensorsFile(path: "\($0)/model.safetensors") }
      let expected = try SafetensorsFile(path: MergeGolden.path(expectedPath))
      let rows = try files.map { try #require($0.tensor("model.embed_tokens.weight")).shape[0] }
      let models = try zip(paths, rows).map { try VocabularyModel(reference: $0, folder: $0, rows: $1) }
      let plan = try VocabularyPlan(settings(configuration), models: models, base: base)
      #expect(Set(plan.entries.map(\.text.text)) == Set(expectedIDs.members.map(\.key)))
      for name in ["model.embed_tokens.weight", "lm_head.weight"] {
        let wanted = try #require(expected.tensor(name))
        #expect(wanted.shape[0] == plan.rowCount)
        let columns = wanted.shape[1]
        let sources = try files.map { file in MappedSource(try #require(file.tensor(name)), of: file) }
        let aligned = try paths.indices.map { try AlignedRowsSource(plan: plan, model: $0, columns: columns, sources: sources) }
        let values = expected.floats(of: wanted)
        var pairs = try expectedIDs.members.map { (try #require(plan.id(of: ExactText($0.key))), try #require($0.value.integer)) }
        pairs += (plan.tokenRows..<plan.rowCount).map { ($0, $0) }
        for (mine, theirs) in pairs {
          let inputs = aligned.map { read($0, mine * columns, columns) }
          for column in 0..<columns {
            let sum = zip(weights, inputs).map { $0 * Double($1[column]) }.reduce(0, +) / weights.reduce(0, +)
            let other = Double(values[theirs * columns + column])
            #expect(abs(sum - other) <= 1e-6 + 4e-6 * abs(other), "\(golden["id"]?.string ?? "") \(name) row \(theirs)")
          }
        }
      }
      checked += 1
    }
    #expect(checked >= 3)
  }

  @Test func agreesWithThePlainStatementOnRandomVocabularies() throws {
    var numbers = SeededNumbers.printed("AlignedRowsSource")
    for _ in 0..<300 {
      let trial = try RandomTrial(&numbers)
      for model in trial.plan.models.indices {
        let source = try AlignedRowsSource(plan: trial.plan, model: model, columns: trial.columns, sources: trial.sources)
        let expected = trial.plain.rows(of: model).joined().map { Float($0) }
        try #require(source.count == expected.count)
        for _ in 0..<8 {
          let offset = Int.random(in: 0..<expected.count, using: &numbers)
          let count = Int.random(in: 1...(expected.count - offset), using: &numbers)
          let slice = Array(expected[offset..<offset + count])
          let values = read(source, offset, count)
          #expect(zip(values, slice).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(values) instead of \(slice)")
          if let lent = source.lend(offset: offset, count: count) {
            #expect(Array(UnsafeBufferPointer(start: lent, count: count)) == values)
          }
        }
      }
    }
  }

  private struct RandomTrial {
    let plan: VocabularyPlan
    let plain: PlainAlignment
    let sources: [any TensorSource]
    let columns: Int

    init(_ numbers: inout SeededNumbers) throws {
      columns = Int.random(in: 1...5, using: &numbers)
      let alphabet = (0..<Int.random(in: 1...12, using: &numbers)).map { "t\($0)" }
      let count = Int.random(in: 1...4, using: &numbers)
      let base = Bool.random(using: &numbers) ? Int.random(in: 0..<count, using: &numbers) : nil
      var models: [VocabularyModel] = [], tensors: [[[Double]]] = []
      for index in 0..<count {
        let tokens = alphabet.shuffled(using: &numbers).prefix(Int.random(in: 1...alphabet.count, using: &numbers))
        // Gaps between ids, rows without a token and tokens without a row, as in real models.
        var id = 0
        let entries = tokens.map { text in
          defer { id += 1 }
          if Int.random(in: 0..<6, using: &numbers) == 0 { id += 1 }
          return Vocabulary.Entry(ExactText(text), id: id)
        }
        let rows = max(1, id + Int.random(in: -2...3, using: &numbers))
        models.append(VocabularyModel(reference: "m\(index)", folder: "m\(index)", vocabulary: Vocabulary(entries: entries), rows: rows))
        let columns = columns
        tensors.append(
          (0..<rows).map { _ in (0..<columns).map { _ in Double(Int.random(in: -64...64, using: &numbers)) / 4 } })
      }
      let choices: [VocabularySettings.Source] = [.base, .union, .union, .model("m\(Int.random(in: 0..<count, using: &numbers))")]
      var settings = VocabularySettings(source: choices.randomElement(using: &numbers)!)
      settings.padToMultipleOf = [nil, 1, 3, 8].randomElement(using: &numbers)!
      for text in (alphabet + ["new"]).shuffled(using: &numbers).prefix(Int.random(in: 0...4, using: &numbers)) {
        let owner = models.randomElement(using: &numbers)!
        let other = owner.vocabulary.entries.filter { $0.id < owner.rows }.randomElement(using: &numbers)
        let own = owner.vocabulary.id(of: ExactText(text)).map { $0 < owner.rows } ?? false
        let sources: [VocabularySettings.TokenSource?] = [
          nil, .zero, own ? .model(owner.reference) : nil, other.map { .token($0.text.text, of: owner.reference) },
          .id(Int.random(in: 0..<owner.rows, using: &numbers), of: owner.reference),
        ]
        settings.tokens.append(.init(text, source: sources.randomElement(using: &numbers)!, force: Bool.random(using: &numbers)))
      }
      // A base none of whose tokens has a row leaves nothing to compare.
      if try VocabularyPlan(settings, models: models, base: base).entries.isEmpty { settings.tokens = [.init("new")] }
      plan = try VocabularyPlan(settings, models: models, base: base)
      plain = PlainAlignment(
        tensors: tensors, vocabularies: models.map { Dictionary(uniqueKeysWithValues: $0.vocabulary.entries.map { ($0.text.text, $0.id) }) },
        references: models.map(\.reference), base: base,
        output: Dictionary(uniqueKeysWithValues: plan.entries.map { ($0.text.text, $0.id) }), tokens: settings.tokens,
        padding: settings.padToMultipleOf)
      sources = tensors.map { ArraySource($0.joined().map { Float($0) }) }
    }
  }

  @Test func ownsNothingOfAModelThatLendsNoRows() throws {
    let models = ["x", "y"].map { name in
      VocabularyModel(reference: name, folder: name, vocabulary: Vocabulary(entries: [.init("a", id: 0), .init(ExactText(name), id: 1)]), rows: 2)
    }
    let plan = try VocabularyPlan(VocabularySettings(source: .union), models: models, base: nil)
    let source = try AlignedRowsSource(plan: plan, model: 0, columns: 1, sources: [ArraySource([1, 2]), nil])
    #expect(read(source, 0, 3) == [1, 2, 0])
    let forced = try VocabularyPlan(VocabularySettings(tokens: [.init("a", source: .model("y"), force: true)]), models: models, base: nil)
    let error = #expect(throws: MergeError.self) {
      try AlignedRowsSource(plan: forced, model: 0, columns: 1, sources: [ArraySource([1, 2]), nil])
    }
    #expect(error?.code == .mismatch)
  }

  @Test func refusesTensorsThatHaveNoSuchRows() throws {
    let model = VocabularyModel(reference: "x", folder: "x", vocabulary: Vocabulary(entries: [.init("a", id: 0)]), rows: 1)
    let plan = try VocabularyPlan(VocabularySettings(), models: [model], base: 0)
    #expect(throws: MergeError(.mismatch, "x: a tensor of 5 elements has no rows of 2")) {
      try AlignedRowsSource(plan: plan, model: 0, columns: 2, sources: [ArraySource([1, 2, 3, 4, 5])])
    }
  }

  @Test func readsTheSameFromManyThreads() throws {
    let entries = (0..<200).map { Vocabulary.Entry(ExactText("t\($0)"), id: $0) }
    let model = VocabularyModel(reference: "x", folder: "x", vocabulary: Vocabulary(entries: entries), rows: 200)
    let plan = try VocabularyPlan(VocabularySettings(padToMultipleOf: 256), models: [model], base: 0)
    let values = (0..<800).map { Float($0 % 17) }
    let source = try AlignedRowsSource(plan: plan, model: 0, columns: 4, sources: [ArraySource(values)])
    let whole = read(source, 0, source.count)
    let fresh = try AlignedRowsSource(plan: plan, model: 0, columns: 4, sources: [ArraySource(values)])
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      #expect(read(fresh, index * 64, 64) == Array(whole[index * 64..<index * 64 + 64]))
    }
  }
}
