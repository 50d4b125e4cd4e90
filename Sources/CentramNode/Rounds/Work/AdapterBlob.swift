internal import CentramModel
internal import Foundation

/// An update or an aggregate as one blob, so that one hash names it: 16 bytes `CENTRAM ADAPTER1`, the length of adapter_config.json (8 bytes,
/// big-endian), adapter_config.json, the length of the segments (8 bytes), the segments as JSON, adapter_model.safetensors.
///
/// The two files are PEFT's, byte for byte.
struct AdapterBlob: Sendable {
  /// Which columns of B an outer step made: with momentum each step's part is scaled by a factor of its own.
  struct Segments: Codable, Sendable, Equatable {
    /// Ranks by module: what the round started from, then each step's.
    var ranks: [String: [Int]] = [:]
    /// Outer steps in it.
    var steps = 0
  }

  static let magic = Array("CENTRAM ADAPTER1".utf8)
  /// Of adapter_config.json and of the segments: far more than any model's modules need.
  static let maximumText = 16 << 20

  let configuration: [UInt8]
  let segments: Segments
  let tensors: [UInt8]
  let adapter: Adapter

  init(configuration: [UInt8], segments: Segments, tensors: [UInt8], name: String) throws(RoundError) {
    (self.configuration, self.segments, self.tensors) = (configuration, segments, tensors)
    do throws(ModelFileError) { adapter = try Adapter(configuration: configuration, tensors: tensors, name: name) } catch { throw RoundError(.update, error.message) }
    for (module, ranks) in segments.ranks {
      guard ranks.count == segments.steps + 1, ranks.allSatisfy({ $0 >= 0 && $0 <= 1 << 20 }), ranks.reduce(0, +) == adapter.module(module)?.rank else {
        throw RoundError(.update, "\(name): the segments of \(module.prefix(100)) do not sum to its rank")
      }
    }
  }

  /// - Throws: `.update` where it is no whole, sound adapter.
  init(_ bytes: [UInt8], name: String) throws(RoundError) {
    func malformed(_ what: String) -> RoundError { RoundError(.update, "\(name): \(what)") }
    guard bytes.starts(with: Self.magic) else { throw malformed("no adapter: it does not begin with CENTRAM ADAPTER1") }
    var place = Self.magic.count
    func text(_ what: String, _ place: inout Int) throws(RoundError) -> [UInt8] {
      guard place + 8 <= bytes.count else { throw malformed("it ends in the length of \(what)") }
      let length = bytes[place..<place + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      place += 8
      guard length <= UInt64(Self.maximumText), place + Int(length) <= bytes.count else {
        throw malformed("\(what) of \(length) bytes; at most \(Self.maximumText), and no more than there are")
      }
      defer { place += Int(length) }
      return Array(bytes[place..<place + Int(length)])
    }
    let configuration = try text("adapter_config.json", &place), json = try text("the segments", &place)
    guard let segments = try? JSONDecoder().decode(Segments.self, from: Data(json)), (0...100_000).contains(segments.steps) else {
      throw malformed("its segments are no JSON of segments")
    }
    try self.init(configuration: configuration, segments: segments, tensors: Array(bytes[place...]), name: name)
  }

  /// The files of an adapter's folder.
  init(folder: String) throws(RoundError) {
    guard let configuration = FileManager.default.contents(atPath: "\(folder)/\(Adapter.configurationFile)"),
      let tensors = FileManager.default.contents(atPath: "\(folder)/\(Adapter.tensorFile)")
    else { throw RoundError(.work, "\(folder): no adapter is there") }
    try self.init(configuration: [UInt8](configuration), segments: Segments(), tensors: [UInt8](tensors), name: folder)
  }

  var encoded: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = (try? encoder.encode(segments)).map { [UInt8]($0) } ?? []
    func length(_ bytes: [UInt8]) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: UInt64(bytes.count) >> (56 - 8 * UInt64($0))) } }
    return Self.magic + length(configuration) + configuration + length(json) + json + tensors
  }

  /// Writes PEFT's two files.
  func write(to folder: String) throws(RoundError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(tensors).write(to: URL(fileURLWithPath: "\(folder)/\(Adapter.tensorFile)"), options: .atomic)
      try Data(configuration).write(to: URL(fileURLWithPath: "\(folder)/\(Adapter.configurationFile)"), options: .atomic)
    } catch { throw RoundError(.storage, "\(folder): \(error.localizedDescription)") }
  }
}
