/// Where each row of one model's aligned tensor comes from.
struct AlignedRows: Sendable {
  /// A row of a model, or one of the cases below in place of the model.
  struct Origin: Sendable, Equatable {
    let model: Int32
    let row: Int32

    static let zero = Origin(model: -1, row: 0)
    /// The mean over the models that have the token.
    static let mean = Origin(model: -2, row: 0)
    /// The mean over all rows of tokens: rows that no token has.
    static let padding = Origin(model: -3, row: 0)
  }

  private(set) var origins: [Origin]
  /// For rows with the origin `mean`: the rows that it is the mean of.
  private(set) var means: [Int: [Origin]] = [:]

  /// - Parameters:
  ///   - rows: of each model's tensor; nil where the tensor has no such model, which then owns nothing.
  /// - Throws: `.mismatch` where a token's source has no such row in this tensor.
  init(_ plan: VocabularyPlan, model: Int, rows: [Int?]) throws(MergeError) {
    origins = Array(repeating: .padding, count: plan.rowCount)
    for entry in plan.entries where origins[entry.id] == .padding {
      func row(_ index: Int) -> Origin? {
        guard let rows = rows[index], let id = plan.models[index].vocabulary.id(of: entry.text), id < rows else { return nil }
        return Origin(model: Int32(index), row: Int32(id))
      }
      let override = plan.overrides[entry.id]
      if override?.force != true, let own = row(model) {
        origins[entry.id] = own
      } else if let source = override?.source {
        origins[entry.id] = try Self.origin(source, entry.text, plan, rows)
      } else {
        let owners = plan.models.indices.compactMap(row)
        if owners.isEmpty {
          origins[entry.id] = .zero
        } else if owners.count == 1 {
          origins[entry.id] = owners[0]
        } else if let base = plan.base.flatMap(row) {
          origins[entry.id] = base
        } else {
          origins[entry.id] = .mean
          means[entry.id] = owners
        }
      }
    }
  }

  private static func origin(
    _ source: VocabularySettings.TokenSource, _ text: ExactText, _ plan: VocabularyPlan, _ rows: [Int?]
  ) throws(MergeError) -> Origin {
    func origin(_ reference: String, _ id: (Vocabulary) -> Int?) throws(MergeError) -> Origin {
      guard let index = plan.models.firstIndex(where: { $0.reference == reference }), let rows = rows[index],
        let id = id(plan.models[index].vocabulary), (0..<rows).contains(id)
      else { throw MergeError(.mismatch, "tokenizer.tokens.\(text): \(reference) has no such row in this tensor") }
      return Origin(model: Int32(index), row: Int32(id))
    }
    switch source {
    case .zero: return .zero
    case .model(let reference): return try origin(reference) { $0.id(of: text) }
    case .token(let other, let reference): return try origin(reference) { $0.id(of: ExactText(other)) }
    case .id(let id, let reference): return try origin(reference) { _ in id }
    }
  }
}
