import CentramHost
import CentramPluginAPI
import Foundation
import Testing

/// Damaged files meet typed errors: a trap would end the test process.
@Suite struct HostileBytesTests {
  private static let seed: UInt64 = 0x5eed_0001

  /// Damages a few bytes, mostly where the format's own numbers are, and sometimes cuts the end off.
  private func mutate(_ original: [UInt8], _ random: inout SeededGenerator, headerSize: Int, hotZone: Range<Int>) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place =
        switch Int.random(in: 0..<3, using: &random) {
        case 0: Int.random(in: 0..<headerSize, using: &random)
        case 1: Int.random(in: hotZone, using: &random)
        default: Int.random(in: 0..<bytes.count, using: &random)
        }
      bytes[place] = [0, 0xff, 0x7f, 0x80, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
    }
    if Int.random(in: 0..<10, using: &random) == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
    return bytes
  }

  @Test(arguments: ["C", "Swift"]) func theReaderTakesOrRefusesTenThousandDamagedLibraries(lane: String) throws {
    let path = lane == "C" ? try Workshop.library("merge") : Built.linear
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let sections = original.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 40, as: UInt64.self)) }
    var random = SeededGenerator(seed: Self.seed), read = 0, refused = 0
    for round in 0..<(lane == "C" ? 10_000 : 2_000) {
      let bytes = mutate(original, &random, headerSize: 64, hotZone: sections..<original.count)
      do {
        _ = try bytes.withUnsafeBytes { try ELFLibrary($0) }
        read += 1
      } catch let error as HostError {
        #expect(error.code.rawValue == "elf" && error.message.hasPrefix("the library cannot be read: "), "seed \(Self.seed), round \(round): \(error)")
        refused += 1
      }
    }
    #expect(read > 100 && refused > 100, "\(read) read, \(refused) refused")
  }

  @Test func theHashRefusesTenThousandDamagedLibrariesBeforeTheyAreLoaded() throws {
    let library = try Workshop.library("merge"), original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: library)))
    let path = try Workshop.plugin(library, id: "test.merge.center", kind: .mergeOperator)
    let file = path + "/" + URL(fileURLWithPath: library).lastPathComponent
    let host = PluginHost(configuration: HostConfiguration())
    var random = SeededGenerator(seed: Self.seed), same = 0
    for round in 0..<10_000 {
      let bytes = mutate(original, &random, headerSize: 64, hotZone: 64..<original.count)
      let stream = try #require(fopen(file, "w"))
      fwrite(bytes, 1, bytes.count, stream)
      fclose(stream)
      let record = host.check(path, upTo: .instance)
      if bytes == original { same += 1 } else { #expect(record.checks.last?.check == .hash && record.reason != nil, "seed \(Self.seed), round \(round)") }
    }
    #expect(same < 1000)
  }

  @Test func tenThousandDamagedManifestsAreReadOrRefusedWithASentence() throws {
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator) { manifest in
      manifest["lanes"] = ["ffi"]
      manifest["parameters"] = [["name": "strength", "type": "number", "default": 0.5, "limits": [0, 1]] as [String: Any]]
      let arguments: [[String: Any]] = [["role": "inputs", "type": "pointer"], ["role": "parameter", "type": "f64", "name": "strength"]]
      manifest["functions"] = ["merge_block": ["symbol": "f", "arguments": arguments, "result": ["role": "status", "type": "i32"]] as [String: Any]]
      manifest["needs"] = ["inputs": [1, 2], "blocks": "rows"] as [String: Any]
    }
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json")))
    _ = try PluginManifest.decode(original)
    let host = PluginHost(configuration: HostConfiguration())
    var random = SeededGenerator(seed: Self.seed), read = 0
    for round in 0..<10_000 {
      var bytes = mutate(original, &random, headerSize: original.count, hotZone: 0..<original.count)
      if round % 3 == 0 {  // printable damage gets further into the parser
        bytes = original
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32..<127, using: &random)
      }
      do throws(HostError) {
        _ = try PluginManifest.decode(bytes)
        read += 1
      } catch {
        #expect(error.code.rawValue == "manifest" && error.message.hasPrefix("plugin.json: "), "seed \(Self.seed), round \(round): \(error)")
      }
      if round % 20 == 0 {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/plugin.json"))
        #expect(host.check(path).state != .loaded)
      }
    }
    #expect(read > 100 && read < 9_000, "\(read) read")
  }
}

@Suite struct ManifestTests {
  private func decode(_ text: String) throws(HostError) -> PluginManifest { try PluginManifest.decode(Array(text.utf8)) }
  private let head = #""schema":1,"id":"a.b","version":"1.0.0","kind":"merge-operator","summary":"s","lanes":["c"],"api":{"c":"1.x"},"library":"x.so""#
  private var hash: String { #""sha256":"\#(String(repeating: "0", count: 64))""# }

  @Test func readsACompleteManifest() throws {
    let manifest = try decode("{\(head),\(hash)}")
    #expect(manifest.id == "a.b" && manifest.lanes == [.c] && manifest.publisher == nil && !manifest.isIsolated)
  }

  @Test(arguments: [
    (#","id":"c.d""#, "key \"id\" stands twice in one object"), (#","\u0069d":"c.d""#, "key \"\\u0069d\" stands twice"),
    (#","publisher":"a\u0000b""#, "holds a control character"), (#","publisher":"""#, "publisher has 0 bytes"), (#","x":{"schema":1}"#, "unknown key \"x\""),
    ("}{", "not valid JSON"), (",", "a comma stands before }"), (#","publisher":NaN"#, "not valid JSON"),
  ])
  func refusesWhatIsNotStrict(addition: String, sentence: String) {
    let error = #expect(throws: HostError.self) { _ = try decode("{\(head),\(hash)\(addition)}") }
    #expect(error?.message.contains(sentence) ?? false, "\(error?.message ?? "")")
  }

  @Test func refusesAnotherEncoding() throws {
    let bytes = try #require("{\(head),\(hash)}".data(using: .utf16LittleEndian))
    let error = #expect(throws: HostError.self) { _ = try PluginManifest.decode(Array(bytes)) }
    #expect(error?.message.hasPrefix("plugin.json: not valid JSON") ?? false)
  }

  @Test func refusesDeepNestingAndLargeFiles() {
    let deep = #expect(throws: HostError.self) { _ = try decode("{\(head),\(hash),\"functions\":\(String(repeating: "[", count: 100_000))") }
    #expect(deep?.code.rawValue == "manifest")
    let large = #expect(throws: HostError.self) { _ = try decode(String(repeating: " ", count: 262_145)) }
    #expect(large?.message == "plugin.json: 262145 bytes, the limit is 262144")
  }
}
