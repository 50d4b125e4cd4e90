public import CentramPluginAPI

/// What factors a model gets, and the same as PEFT's adapter_config.json.
public struct AdapterSettings: Sendable {
  public var rank: Int
  public var alpha: Double
  public var usesRankStabilization: Bool
  public var dropout: Double
  /// Nil: all linear layers.
  public var targets: [String]?
  /// Nil: all.
  public var layers: [Int]?
  /// A keeps its random start and only B is trained. Not one of PEFT's keys; the host knows it.
  public var freezesA = false

  public init(_ reader: SettingsReader) throws(PluginError) {
    rank = reader.integer("rank") ?? 8
    alpha = reader.number("alpha") ?? 16
    usesRankStabilization = reader.flag("rslora")
    dropout = reader.number("dropout") ?? 0
    let names = (reader.string("targets") ?? "all-linear").split(separator: ",").map { Self.trimmed($0) }.filter { !$0.isEmpty }
    guard names.allSatisfy({ $0.utf8.allSatisfy { (0x20..<0x7f).contains($0) && $0 != 0x22 && $0 != 0x5c } }) else {
      throw PluginError(.invalid, "targets holds characters that no module's name has")
    }
    targets = names == ["all-linear"] || names.isEmpty ? nil : names
    layers = try reader.string("layers").map { (text) throws(PluginError) in try Self.layers(text) }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }

  /// `0,3,8-15`.
  private static func layers(_ text: String) throws(PluginError) -> [Int] {
    var layers = Set<Int>()
    for part in text.split(separator: ",") {
      let ends = trimmed(part).split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0, first <= last, last < 10_000 else {
        throw PluginError(.invalid, "layers is \"\(text.prefix(60))\"; write numbers from 0 and ranges of them, such as 0,3,8-15")
      }
      layers.formUnion(first...last)
    }
    return layers.sorted()
  }

  public var configurationJSON: String {
    func list(_ texts: [String]) -> String { "[\(texts.joined(separator: ","))]" }
    var members = [
      #""peft_type":"LORA""#, #""r":\#(rank)"#, #""lora_alpha":\#(alpha)"#, #""use_rslora":\#(usesRankStabilization)"#,
      #""lora_dropout":\#(dropout)"#, #""bias":"none""#,
      #""target_modules":\#(targets.map { list($0.map { "\"\($0)\"" }) } ?? #""all-linear""#)"#,
    ]
    if let layers { members.append(#""layers_to_transform":\#(list(layers.map(String.init)))"#) }
    if freezesA { members.append(#""freeze_a":true"#) }
    return "{\(members.joined(separator: ","))}"
  }
}
