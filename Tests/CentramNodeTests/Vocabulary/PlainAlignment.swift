@testable import CentramNode

/// The rules of vocabulary alignment, written down as plainly as possible: whole tensors, dictionaries, doubles. The judge of
/// `AlignedRowsSource`; the same statement as align_vocab in the goldens' ref_merge.py.
struct PlainAlignment {
  /// Each model's rows.
  var tensors: [[[Double]]]
  var vocabularies: [[String: Int]]
  var references: [String]
  var base: Int?
  /// The output's tokens and ids.
  var output: [String: Int]
  var tokens: [VocabularySettings.Token]
  var padding: Int?

  private func row(_ model: Int, _ token: String) -> [Double]? {
    guard let id = vocabularies[model][token], id < tensors[model].count else { return nil }
    return tensors[model][id]
  }

  private func filled(_ token: String, _ setting: VocabularySettings.Token?, _ columns: Int) -> [Double] {
    func index(_ reference: String) -> Int { references.firstIndex(of: reference)! }
    switch setting?.source {
    case .zero?: return Array(repeating: 0, count: columns)
    case .model(let reference)?: return row(index(reference), token)!
    case .token(let other, let reference)?: return row(index(reference), other)!
    case .id(let id, let reference)?: return tensors[index(reference)][id]
    case nil: break
    }
    let owners = tensors.indices.compactMap { row($0, token) }
    if owners.isEmpty { return Array(repeating: 0, count: columns) }
    if owners.count == 1 { return owners[0] }
    if let base, let row = row(base, token) { return row }
    return (0..<columns).map { column in owners.map { $0[column] }.reduce(0, +) / Double(owners.count) }
  }

  func rows(of model: Int) -> [[Double]] {
    let columns = tensors[model][0].count
    let rows = output.values.max()! + 1
    var aligned = [[Double]?](repeating: nil, count: padding.map { (rows + $0 - 1) / $0 * $0 } ?? rows)
    for (token, id) in output {
      let setting = tokens.first { $0.text == token }
      aligned[id] = setting?.force == true ? filled(token, setting, columns) : row(model, token) ?? filled(token, setting, columns)
    }
    let known = aligned.compactMap { $0 }
    let mean = (0..<columns).map { column in known.map { $0[column] }.reduce(0, +) / Double(known.count) }
    return aligned.map { $0 ?? mean }
  }
}
