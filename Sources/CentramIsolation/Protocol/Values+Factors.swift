internal import CentramPluginAPI

extension MessageWriter {
  mutating func add(floats: [Float]) { floats.withUnsafeBytes { add(raw: $0) } }

  mutating func add(_ factors: LowRankFactors) {
    add(UInt64(clamping: factors.rank))
    add(floats: factors.a)
    add(floats: factors.b)
  }

  mutating func add(_ question: RuleQuestion) {
    add(question.rule)
    add(question.matrices) { $0.add(floats: $1) }
    for number in [question.rows, question.columns] { add(UInt64(clamping: number)) }
    add(question.name)
    add(question.models) { $0.add($1) }
    add(question.parameters)
    add(question.seed)
  }
}

extension MessageReader {
  mutating func floats() throws(ChannelError) -> [Float] {
    let bytes = try list()
    guard bytes.count % 4 == 0 else { throw .broken("numbers in \(bytes.count) bytes") }
    return [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      _ = UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, from: bytes)
      count = bytes.count / 4
    }
  }

  /// Factors of which both may be multiplied by the matrix's sides without overflow; whether they fit these is for the reader to see.
  mutating func factors() throws(ChannelError) -> LowRankFactors {
    let rank = try size(limit: .max), a = try floats(), b = try floats()
    guard rank <= max(a.count, b.count) else { throw .broken("rank \(rank) of factors with \(a.count) and \(b.count) elements") }
    return LowRankFactors(rank: rank, a: a, b: b)
  }

  mutating func ruleQuestion() throws(ChannelError) -> RuleQuestion {
    let rule = try text(limit: 4096), matrices = try elements(elementSize: 4, limit: 1 << 16) { (it) throws(ChannelError) in try it.floats() }
    let rows = try size(limit: 1 << 31), columns = try size(limit: 1 << 31), name = try text()
    let models = try elements(elementSize: 4, limit: 1 << 16) { (it) throws(ChannelError) in try it.text() }
    guard matrices.allSatisfy({ $0.count == rows * columns }), models.count == matrices.count else {
      throw .broken("\(matrices.count) matrices of \(models.count) models for \(rows) × \(columns)")
    }
    return RuleQuestion(rule: rule, matrices: matrices, rows: rows, columns: columns, name: name, models: models, parameters: try parameters(), seed: try number())
  }
}

/// What `AdapterMergeHost.apply` is asked.
struct RuleQuestion {
  var rule: String, matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
}
