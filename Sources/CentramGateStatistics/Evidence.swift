public import CentramPluginAPI
internal import Foundation

/// Numbers as people read them: four digits.
public func shown(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  let digits = 3 - Int(log10(abs(value)).rounded(.down))
  guard abs(digits) < 300 else { return "\(value)" }
  let power = pow(10, Double(abs(digits)))
  let rounded = digits >= 0 ? (value * power).rounded() / power : (value / power).rounded() * power
  return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
}

extension Verdict.Evidence {
  /// What stands before the name of a number that the node keeps in `LineageEntry.measures`.
  public static var measurePrefix: String { "measure." }

  /// A number for the node's records, in all its digits: `measure.norm.model.layers.0…`.
  public static func measure(_ name: String, _ value: Double) -> Verdict.Evidence { .init(measurePrefix + name, "\(value)") }
}

/// A seed for one candidate: the first eight bytes of its hash, and the policy's number.
public func candidateSeed(_ contentHash: [UInt8], _ number: UInt64) -> UInt64 {
  contentHash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } ^ number &* 0x9e37_79b9_7f4a_7c15
}
