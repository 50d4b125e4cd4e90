import CentramModel
import CentramNode
import Foundation
import Fuzzing
import Testing

/// Adapters come from strangers: whatever the bytes, the answer is an adapter or a typed error.
@Suite struct HostileAdapterTests {
  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  /// One change of a kind that files suffer or that somebody makes on purpose.
  static func mutate(_ bytes: inout [UInt8], _ random: inout AdapterFactory.Generator) {
    guard !bytes.isEmpty else { return }
    // Headers decide what is read, so most changes go to the front.
    let range = random.next() % 4 == 0 ? bytes.count : min(bytes.count, 1600)
    let position = Int(random.next() % UInt64(range))
    switch random.next() % 7 {
    case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes[position] ^= 1 << UInt8(random.next() % 8)
    case 2: bytes.removeSubrange(position..<min(bytes.count, position + Int(random.next() % 40)))
    case 3: bytes.insert(contentsOf: bytes[position..<min(bytes.count, position + Int(random.next() % 40))], at: position)
    case 4: bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
    case 5:
      let words = ["null", "true", "-1", "1e308", "9223372036854775807", "\"\"", "[]", "{}", "\"(a*)*\"", "NaN", "\\ud800", "\"x\":", "0"]
      bytes.insert(contentsOf: Array(words[Int(random.next() % UInt64(words.count))].utf8), at: position)
    default:
      let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) && $0 < range }
      if let digit = digits.randomElement(using: &random) { bytes[digit] = 0x30 + UInt8(random.next() % 10) }
    }
  }

  @Test func mutatedAdaptersGiveTypedErrorsOrAdapters() throws {
    let fuzz = Fuzz("HostileAdapterTests", rounds: 20_000)
    var random = AdapterFactory.Generator(state: fuzz.seed)
    let sources = try ["one4", "emb4", "dora4", "extract-sveps"].map { name in
      (try Self.bytes("\(Fixtures.golden)/\(name)/adapter_config.json"), try Self.bytes("\(Fixtures.golden)/\(name)/adapter_model.safetensors"))
    }
    var refused = 0, read = 0
    for round in 0..<fuzz.rounds {
      var (configuration, tensors) = sources[Int(random.next() % UInt64(sources.count))]
      for _ in 0...(random.next() % 3) {
        if random.next() % 2 == 0 { Self.mutate(&configuration, &random) } else { Self.mutate(&tensors, &random) }
      }
      do throws(ModelFileError) {
        let adapter = try Adapter(configuration: configuration, tensors: tensors, name: "hostile")
        for module in adapter.modules where module.outputs * module.inputs < 10_000 {
          guard let factors = try? adapter.factors(of: module) else { continue }
          #expect(factors.a.count == module.rank * module.inputs && factors.b.count == module.outputs * module.rank, "round \(round)")
        }
        // Merging what was read must not trap either.
        if round % 20 == 0 { _ = try? AdapterMergeJob.simple("merge.lora_svd", [adapter], [1]).merged() }
        read += 1
      } catch {
        #expect(!error.message.isEmpty)
        refused += 1
      }
    }
    #expect(refused > fuzz.rounds / 20 && read > fuzz.rounds / 200, "\(refused) refused, \(read) read: the mutations test little")
  }
}

extension HostileAdapterTests {
  @Test func randomPatternsGiveTypedErrorsOrPatterns() throws {
    var random = AdapterFactory.Generator(state: 11)
    let pieces = ["a", "b", ".", "*", "+", "?", "(", ")", "|", "[", "]", "^", "$", "\\", "{", "}", "1", ",", "3", "d", "-", "(?:", "é", "layers"]
    var compiled = 0
    for _ in 0..<20_000 {
      let text = (0..<(random.next() % 12)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
      do throws(ModelFileError) {
        let pattern = try NamePattern(text)
        // A name that matches whole is found too.
        for name in ["", "a", "layers.1.ab", "aaaaaaaaaaaaaaaab"] where pattern.matches(name) { #expect(pattern.isFound(in: name), "\(text) in \(name)") }
        compiled += 1
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
    #expect(compiled > 2000)
  }
}

extension AdapterFactory.Generator: RandomNumberGenerator {}
