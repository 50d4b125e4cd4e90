public import CentramModel

/// An adapter as a user names it: `NAME_OR_PATH`, or `NAME_OR_PATH:SCALE`.
public struct AdapterReference: Sendable, Equatable {
  public let name: String
  public let scale: Float

  /// - Throws: `.parameter` for a scale that is not finite, and for an empty name.
  public init(_ text: String) throws(GenerationError) {
    var (name, scale) = (text, Float(1))
    if let colon = text.lastIndex(of: ":"), let value = Float(text[text.index(after: colon)...]) {
      guard value.isFinite, abs(value) <= 1e6 else { throw GenerationError(.parameter, "adapter \(text): a scale is from -1e6 to 1e6") }
      (name, scale) = (String(text[..<colon]), value)
    }
    guard !name.isEmpty else { throw GenerationError(.parameter, "adapter \"\(text)\": give a name or a path, and perhaps :SCALE") }
    (self.name, self.scale) = (name, scale)
  }
}

extension LoadedModel {
  /// - Parameter location: where what a user named is.
  public func adapter(_ reference: AdapterReference, location: (String) throws -> String) throws -> AppliedAdapter {
    AppliedAdapter(try adapter(path: location(reference.name)), scale: reference.scale)
  }

  /// The experts of a mixture: the base unless left out, then each adapter alone.
  /// - Parameter names: adapters separated by commas; `base` is the base.
  public func experts(_ names: String, withBase: Bool, location: (String) throws -> String) throws -> [MixtureExpert] {
    let names = names.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
    var experts: [MixtureExpert] = []
    if withBase, !names.contains("base") { experts.append(MixtureExpert(name: "base", adapters: [])) }
    for name in names {
      experts.append(MixtureExpert(name: name, adapters: name == "base" ? [] : [try adapter(AdapterReference(name), location: location)]))
    }
    guard experts.count > 1 else { throw GenerationError(.parameter, "a mixture of \(experts.count): at least two experts, as in --mixture ADAPTER,ADAPTER") }
    guard Set(experts.map(\.name)).count == experts.count else {
      throw GenerationError(.parameter, "a mixture names an expert twice: \(experts.map(\.name).joined(separator: ", "))")
    }
    return experts
  }
}
