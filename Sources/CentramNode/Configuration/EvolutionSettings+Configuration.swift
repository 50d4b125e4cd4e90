internal import Foundation

extension EvaluationSettings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    self.init()
    try reader.section(section, "evaluation.", ["model", "domains", "sequences", "length", "tests", "references", "canaries", "threads"])
    model = try reader.text(section["model"], "evaluation.model")
    for (name, value) in try reader.object(section["domains"], "evaluation.domains") ?? [:] {
      guard !name.isEmpty, name.utf8.count <= 128, let path = try reader.text(value, "evaluation.domains.\(name)") else {
        throw reader.error("evaluation.domains", "must name each domain by 1 to 128 bytes")
      }
      domains[name] = (path as NSString).expandingTildeInPath
    }
    sequences = try reader.integer(section["sequences"], "evaluation.sequences", Self.sequenceRange) ?? sequences
    length = try reader.integer(section["length"], "evaluation.length", Self.lengthRange) ?? length
    tests = try reader.integer(section["tests"], "evaluation.tests", Self.testRange) ?? tests
    references = try reader.integer(section["references"], "evaluation.references", Self.referenceRange) ?? references
    canaries = try reader.text(section["canaries"], "evaluation.canaries").map { ($0 as NSString).expandingTildeInPath }
    threads = try reader.integer(section["threads"], "evaluation.threads", 1...256)
  }
}

extension EvolutionSettings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    self.init()
    try reader.section(
      section, "evolve.",
      ["mode", "domain", "share", "operator", "parameters", "rankLimit", "fall", "confidence", "resamples", "newcomerPrior", "shadowHours", "shadowRequests", "shadowTokens"])
    if let text = try reader.text(section["mode"], "evolve.mode") {
      guard let known = Mode(rawValue: text) else { throw reader.error("evolve.mode", "must be one of \(Mode.allCases.map(\.rawValue).joined(separator: ", "))") }
      mode = known
    }
    domain = try reader.text(section["domain"], "evolve.domain")
    share = try reader.number(section["share"], "evolve.share", 0.001...0.999) ?? share
    if let id = try reader.text(section["operator"], "evolve.operator") { mergeOperator = id.hasPrefix("merge.") ? id : "merge.\(id)" }
    if let value = try reader.object(section["parameters"], "evolve.parameters") {
      guard let text = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys]) else { throw reader.error("evolve.parameters", "must be an object") }
      parametersJSON = String(decoding: text, as: UTF8.self)
    }
    rankLimit = try reader.integer(section["rankLimit"], "evolve.rankLimit", 1...4096) ?? rankLimit
    fall = try reader.number(section["fall"], "evolve.fall", 0...10) ?? fall
    confidence = try reader.number(section["confidence"], "evolve.confidence", 0.5...0.9999) ?? confidence
    resamples = try reader.integer(section["resamples"], "evolve.resamples", 200...100_000) ?? resamples
    newcomerPrior = try reader.number(section["newcomerPrior"], "evolve.newcomerPrior", 0.000_001...0.9) ?? newcomerPrior
    shadowHours = try reader.number(section["shadowHours"], "evolve.shadowHours", 0...8760) ?? shadowHours
    shadowRequests = try reader.integer(section["shadowRequests"], "evolve.shadowRequests", 0...1_000_000_000) ?? shadowRequests
    shadowTokens = try reader.integer(section["shadowTokens"], "evolve.shadowTokens", 0...4096) ?? shadowTokens
  }
}

extension NodeConfiguration.Reader {
  func text(_ value: Any?, _ key: String) throws(MergeError) -> String? {
    guard let value else { return nil }
    guard let text = value as? String, !text.isEmpty else { throw error(key, "must be a text that is not empty") }
    return text
  }

  /// The numbers 0 and 1 pass for flags in a cast.
  private static func isFlag(_ value: Any) -> Bool { (value as? NSNumber).map { ["c", "B"].contains(String(cString: $0.objCType)) } ?? false }

  func integer(_ value: Any?, _ key: String, _ range: ClosedRange<Int>) throws(MergeError) -> Int? {
    guard let value else { return nil }
    guard let number = value as? Int, !Self.isFlag(value), range.contains(number) else {
      throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(_ value: Any?, _ key: String, _ range: ClosedRange<Double>) throws(MergeError) -> Double? {
    guard let value else { return nil }
    guard let number = value as? Double, !Self.isFlag(value), range.contains(number) else {
      throw error(key, "must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
