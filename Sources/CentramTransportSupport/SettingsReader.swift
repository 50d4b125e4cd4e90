public import CentramPluginAPI
internal import Foundation

/// A transport's settings, a flat JSON object. Every key has a default; a key that nobody asked for is an error.
public struct SettingsReader {
  private let values: [String: Any]
  private var known: Set<String> = []

  public init(json: String) throws(PluginError) {
    let parsed: Any
    do { parsed = try JSONSerialization.jsonObject(with: Data(json.utf8)) } catch {
      throw PluginError(.invalid, "the settings are no JSON object: \(json.prefix(100))")
    }
    guard let object = parsed as? [String: Any] else { throw PluginError(.invalid, "the settings are no JSON object: \(json.prefix(100))") }
    values = object
  }

  public mutating func integer(_ key: String, default standard: Int, in range: ClosedRange<Int>) throws(PluginError) -> Int {
    known.insert(key)
    guard let value = values[key] else { return standard }
    guard let number = value as? NSNumber, let integer = Int(exactly: number.doubleValue), range.contains(integer),
      // True and false are numbers to Foundation.
      String(cString: number.objCType) != "c"
    else {
      throw PluginError(.invalid, "\(key) is \(value); it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  public mutating func text(_ key: String) throws(PluginError) -> String? {
    known.insert(key)
    guard let value = values[key] else { return nil }
    guard let text = value as? String else { throw PluginError(.invalid, "\(key) is \(value); it must be text") }
    return text
  }

  /// - Throws: `.invalid` for a key that was not read.
  public func finish() throws(PluginError) {
    guard let unknown = values.keys.sorted().first(where: { !known.contains($0) }) else { return }
    throw PluginError(.invalid, "there is no setting \(unknown); there are \(known.sorted().joined(separator: ", "))")
  }
}
