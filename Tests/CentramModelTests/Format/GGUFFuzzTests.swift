import CentramModel
import Foundation
import Fuzzing
import Testing

@Suite struct GGUFFuzzTests {
  /// A small model's head, with every kind of number to spoil.
  static func good() -> GGUFBuilder {
    var file = GGUFBuilder()
    file.head(tensors: 2, keys: 7)
    file.key("general.architecture", type: 8)
    file.text("llama")
    for (key, value) in [("llama.block_count", 1), ("llama.embedding_length", 4), ("llama.attention.head_count", 2)] {
      file.key(key, type: 4)
      file.number(UInt32(value))
    }
    file.key("a", type: 9)
    file.array(8, count: 2)
    file.text("x")
    file.text("")
    file.key("n", type: 9)
    file.array(9, count: 2)
    for _ in 0..<2 {
      file.array(5, count: 1)
      file.raw(UInt32(7))
    }
    file.key("general.alignment", type: 4)
    file.number(UInt32(8))
    file.tensor("token_embd.weight", [4, 2], type: 1)
    file.tensor("blk.0.attn_q.weight", [4, 4], type: 0, offset: 16)
    file.pad(to: 8, data: 80)
    return file
  }

  /// Uses everything of a file that was taken.
  static func use(_ file: GGUFFile) {
    for key in file.keys {
      guard let value = try? file.value(key) else { continue }
      if case .array(let array) = value {
        _ = try? array.values()
        if let strings = array.strings { for index in strings.indices { _ = strings.string(at: index) } }
      }
    }
    for tensor in file.tensors {
      let bytes = file.bytes(of: tensor)
      if let first = bytes.first, let last = bytes.last { _ = first &+ last }
    }
    do throws(ModelFileError) {
      let model = try ModelConfiguration(file)
      let weights = try GGUFWeights(file, configuration: model)
      for name in weights.tensorNames {
        _ = try weights.matrix(name)?.floats()
      }
    } catch {}
  }

  @Test func mutationsAreRefusedOrWork() throws {
    let good = Self.good()
    _ = try GGUFFile(data: good.bytes, name: "t")
    let fuzz = Fuzz("GGUFFuzzTests", rounds: 100_000)
    var random = fuzz.random
    let interesting: [UInt64] = [0, 1, 2, 3, 4, 8, 9, 12, 13, 31, 32, 33, 255, 1 << 31, 1 << 32, 1 << 61, 1 << 62, 1 << 63, .max, .max - 7, .max - 31]
    var accepted = 0
    for round in 0..<fuzz.rounds {
      var bytes = good.bytes
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<(round % 2 == 0 ? 2 : 6), using: &random) {
        case 0, 1:
          // A count, length, type or offset gets another value, near its own or far from it.
          let number = good.numbers.randomElement(using: &random)!
          guard number.place + number.size <= bytes.count else { continue }
          let near = UInt64(bytes[number.place]) &+ UInt64.random(in: 0..<5, using: &random) &- 2
          let value = Bool.random(using: &random) ? near : interesting.randomElement(using: &random)!
          for byte in 0..<number.size { bytes[number.place + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte))) }
        case 2: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 3: bytes.remove(at: place)
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        }
        if bytes.isEmpty { break }
      }
      do throws(ModelFileError) {
        Self.use(try GGUFFile(data: bytes, name: "t"))
        accepted += 1
      } catch {
        #expect(error.code == .malformed || error.code == .unsupported)
      }
    }
    #expect(accepted > fuzz.rounds / 100 && accepted < fuzz.rounds / 10 * 9)
  }
}
