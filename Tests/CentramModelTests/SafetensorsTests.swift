import CentramModel
import Foundation
import Fuzzing
import Testing

/// A file from a header's text and some data.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) } + Array(header.utf8) + [UInt8](repeating: 0, count: data)
}

@Suite struct SafetensorsTests {
  @Test func readsWhatItSays() throws {
    let header =
      #"{"__metadata__":{"format":"pt","ü":"\u00e9\ud83d\ude00"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]},"a":{"shape":[2],"dtype":"BF16","data_offsets":[0,4]}}"#
    var bytes = safetensors(header, data: 20)
    bytes.replaceSubrange((bytes.count - 20)..., with: [0x80, 0x3f, 0x00, 0xc0] + [Float](arrayLiteral: 1, 2, 3, 4).flatMap { withUnsafeBytes(of: $0) { Array($0) } })
    let file = try SafetensorsFile(data: bytes, name: "test")
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.metadata == ["format": "pt", "ü": "é😀"])
    #expect(file.floats(of: file.tensors[0]) == [1, -2])
    #expect(file.floats(of: file.tensors[1]) == [1, 2, 3, 4])
  }

  @Test func takesEmptyTensorsAndScalars() throws {
    let file = try SafetensorsFile(
      data: safetensors(#"{"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}"#, data: 8), name: "t")
    #expect(file.tensor("e")?.count == 0)
    #expect(file.tensor("s")?.count == 1)
  }

  static let refused: [(String, [UInt8])] = [
    ("too few for the header's length", [1, 2, 3]),
    ("is longer than the file", safetensors("{}", length: 3)),
    ("100000000 is the limit", safetensors("{}", length: 100_000_001)),
    ("100000000 is the limit", safetensors("{}", length: .max)),
    ("stands twice", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    ("stands twice", safetensors(#"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    ("but the data before it ends at", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#, data: 6)),
    ("but the data before it ends at", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#, data: 12)),
    ("the data at 3", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 3)),
    ("the data at 5", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 5)),
    ("do not make F32 of shape", safetensors(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4)),
    ("overflows", safetensors(#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#)),
    ("2⁶³ or more", safetensors(#"{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}}"#)),
    ("are no range", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4)),
    ("is unknown", safetensors(#"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    ("is unknown", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, data: 4)),
    ("are all needed", safetensors(#"{"a":{"dtype":"F32","shape":[1]}}"#)),
    ("expected a whole number", safetensors(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4)),
    ("expected ']'", safetensors(#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, data: 4)),
    ("starts with 0", safetensors(#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, data: 4)),
    ("more than 16 axes", safetensors(#"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#, data: 4)),
    ("surrogate", safetensors(#"{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    ("text after the end", safetensors("{} x")),
    ("ends too early", safetensors("{")),
    ("expected '{'", safetensors("[]")),
  ]

  @Test(arguments: refused) func refusesWith(reason: String, bytes: [UInt8]) throws {
    let error = #expect(throws: ModelFileError.self) { _ = try SafetensorsFile(data: bytes, name: "t") }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test func refusesAHeaderThatIsNotUTF8() {
    var bytes = safetensors(#"{"abc":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)
    bytes[11] = 0xff
    #expect(throws: ModelFileError.self) { _ = try SafetensorsFile(data: bytes, name: "t") }
  }

  /// Half the mutations aim at the header's structure, the rest anywhere.
  @Test func mutationsAreRefusedOrRead() throws {
    let good = safetensors(
      #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b\n":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}"#, data: 26)
    let fuzz = Fuzz("SafetensorsTests", rounds: 100_000)
    var random = fuzz.random
    let interesting: [UInt8] = Array("{}[]\",:\\u0129-.eE ".utf8) + [0, 0x7f, 0x80, 0xff]
    var accepted = 0
    for _ in 0..<fuzz.rounds {
      var bytes = good
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = interesting.randomElement(using: &random)!
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(interesting.randomElement(using: &random)!, at: place)
        default: bytes[place] = UInt8.random(in: 0...255, using: &random)
        }
      }
      do throws(ModelFileError) {
        let file = try SafetensorsFile(data: bytes, name: "t")
        for tensor in file.tensors { #expect(file.bytes(of: tensor).count == tensor.range.count) }
        accepted += 1
      } catch {
        #expect(error.code == .malformed)
      }
    }
    #expect(accepted > fuzz.rounds / 1000 && accepted < fuzz.rounds / 2)
  }
}

/// A folder that goes with the test.
final class TemporaryFolder {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "centram-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func callAsFunction(_ name: String) -> String { path + "/" + name }
}
