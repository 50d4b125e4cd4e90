import CentramModel
import Foundation
import Testing

@Suite struct GGUFFileTests {
  @Test func readsValuesOfEveryType() throws {
    let file = try FormatFixtures.gguf("types")
    #expect(file.version == 3)
    #expect(file.alignment == 32)
    let found = try file.keys.dropFirst().map { key in "\(key) \(try #require(try file.value(key)?.type).name)" }
    #expect(
      found == [
        "t.u8 uint8", "t.i8 int8", "t.u16 uint16", "t.i16 int16", "t.u32 uint32", "t.i32 int32", "t.u64 uint64", "t.i64 int64", "t.f32 float32", "t.f64 float64",
        "t.yes bool", "t.no bool", "t.text string", "t.ints array", "t.floats array", "t.bools array", "t.texts array", "t.nested array",
      ])
    for (key, value) in [("u8", 200), ("i8", -100), ("u16", 60000), ("i16", -30000), ("u32", 4_000_000_000), ("i32", -2_000_000_000), ("i64", Int.min)] {
      #expect(try file.integer("t.\(key)") == value, "\(key)")
    }
    if case .uint64(let largest)? = try file.value("t.u64") { #expect(largest == .max) } else { Issue.record("no uint64") }
    #expect(throws: ModelFileError.self) { try file.integer("t.u64") }
    #expect(try file.number("t.f32") == Double(Float(0.1)))
    #expect(try file.number("t.f64") == 0.1)
    #expect(try file.flag("t.yes") == true)
    #expect(try file.flag("t.no") == false)
    #expect(try file.string("t.text") == "grüße 😀")
    #expect(try file.string("t.nothing") == nil)
  }

  @Test func readsArraysWhereTheyLie() throws {
    let file = try FormatFixtures.gguf("types")
    #expect(try file.array("t.ints")?.integers == [1, -2, 3])
    #expect(try file.array("t.ints")?.numbers == nil)
    #expect(try file.array("t.floats")?.numbers == [0.5, -1.5])
    let texts = try #require(try file.strings("t.texts"))
    #expect(texts.indices.map(texts.string) == ["", "a", "zwölf", "\u{2581}x"])
    let nested = try #require(try file.array("t.nested")).values()
    let lists = nested.map { value -> [Int]? in
      guard case .array(let array) = value else { return nil }
      return array.integers
    }
    #expect(lists == [[1, 2], [3]])
    #expect(throws: ModelFileError.self) { try file.strings("t.ints") }
    #expect(throws: ModelFileError.self) { try file.string("t.u8") }
  }

  /// Values by the gguf package.
  @Test(arguments: ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"])
  func dequantisesAsTheGgufPackageDoes(format: String) throws {
    let file = try FormatFixtures.gguf("formats")
    let tensor = try #require(file.tensor(format)), expected = try #require(file.tensor("\(format).expected"))
    #expect(tensor.type.name == format)
    #expect(tensor.shape == expected.shape)
    let matrix = WeightMatrix(
      format: try #require(tensor.type.weightFormat), rows: tensor.shape[0], columns: tensor.shape[1], bytes: try #require(file.bytes(of: tensor).baseAddress), owner: file)
    let wanted = file.bytes(of: expected)
    for (index, value) in matrix.floats().enumerated() {
      #expect(value.bitPattern == wanted.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self), "\(format) \(index)")
    }
  }

  static func one(type: UInt32, _ payload: (inout GGUFBuilder) -> Void) -> [UInt8] {
    GGUFBuilder.file {
      $0.head(keys: 1)
      $0.key("k", type: type)
      payload(&$0)
    }
  }
  static func tensors(_ count: Int = 1, data: Int = 0, alignment: Int = 32, _ body: (inout GGUFBuilder) -> Void) -> [UInt8] {
    GGUFBuilder.file {
      $0.head(tensors: UInt64(count))
      body(&$0)
      $0.pad(to: alignment, data: data)
    }
  }
  static func aligned(_ value: UInt32, type: UInt32 = 4) -> [UInt8] {
    GGUFBuilder.file {
      $0.head(keys: 1)
      $0.key("general.alignment", type: type)
      $0.raw(value)
    }
  }

  static let malformed: [(String, [UInt8])] = [
    ("it ends within GGUF's four letters", [71, 71]),
    ("does not start with GGUF", Array("GGML".utf8) + [UInt8](repeating: 0, count: 40)),
    ("the number of tensors is 18446744073709551615", GGUFBuilder.file { $0.head(tensors: .max) }),
    ("the number of keys is 1, more than the 0 bytes", GGUFBuilder.file { $0.head(keys: 1) }),
    ("has type 13; GGUF's types are 0 to 12", one(type: 13) { $0.raw(UInt64(0)) }),
    ("a truth value is 2", one(type: 7) { $0.raw(UInt8(2)) }),
    ("the length of k is 9223372036854775808", one(type: 8) { $0.raw(UInt64(1) << 63) }),
    ("it ends within k", one(type: 10) { $0.raw(UInt32(1)) }),
    ("the count of k is 4611686018427387904", one(type: 9) { $0.array(4, count: 1 << 62) }),
    (
      "the count of k is 3, more than the 8 bytes",
      one(type: 9) {
        $0.array(4, count: 3); $0.raw(UInt64(1))
      }
    ),
    (
      "string 1 of k is 2 bytes long, with 1 left",
      one(type: 9) {
        $0.array(8, count: 2); $0.raw(UInt64(0)); $0.raw(UInt64(2)); $0.raw(UInt8(1))
      }
    ),
    (
      "neither 0 nor 1",
      one(type: 9) {
        $0.array(7, count: 1); $0.raw(UInt8(3))
      }
    ),
    (
      "an element of k has type 99",
      one(type: 9) {
        $0.array(99, count: 1); $0.raw(UInt64(2))
      }
    ),
    (
      "more than 4 deep",
      one(type: 9) {
        for _ in 0..<4 { $0.array(9, count: 1) }; $0.array(0, count: 0)
      }
    ),
    (
      "the key k stands twice",
      GGUFBuilder.file {
        $0.head(keys: 2); for _ in 0..<2 { $0.key("k", type: 0); $0.raw(UInt8(1)) }
      }
    ),
    (
      "key 0 is empty",
      GGUFBuilder.file {
        $0.head(keys: 1); $0.key("", type: 0); $0.raw(UInt32(1))
      }
    ),
    (
      "key 0 is not UTF-8",
      GGUFBuilder.file {
        $0.head(keys: 1); $0.number(UInt64(1)); $0.raw(UInt8(0xff)); $0.raw(UInt32(0)); $0.raw(UInt8(0))
      }
    ),
    (
      "key 0 is 65536 bytes long; 65535 is the limit",
      GGUFBuilder.file {
        $0.head(keys: 1); $0.key(String(repeating: "k", count: 65536), type: 0); $0.raw(UInt8(0))
      }
    ),
    ("general.alignment is 0", aligned(0)), ("general.alignment is 24", aligned(24)), ("general.alignment is 2097152", aligned(1 << 21)),
    ("general.alignment is of type int32", aligned(32, type: 5)),
    (
      "the tensor t stands twice",
      tensors(2, data: 64) {
        $0.tensor("t", [4]); $0.tensor("t", [4], offset: 32)
      }
    ),
    (
      "has 0 dimensions; 1 to 4 are possible",
      tensors {
        $0.tensor("t", []); $0.raw(UInt64(0))
      }
    ),
    ("has 5 dimensions", tensors(data: 32) { $0.tensor("t", [1, 1, 1, 1, 1]) }),
    ("has an extent of 0", tensors(data: 32) { $0.tensor("t", [0]) }),
    ("has an extent of 9223372036854775808", tensors(data: 32) { $0.tensor("t", [1 << 63]) }),
    ("has an extent of 2147483648", tensors(data: 32) { $0.tensor("t", [1 << 32, 1 << 31]) }),
    ("of t overflows", tensors(data: 32) { $0.tensor("t", [1 << 62]) }),
    ("no multiple of Q4_0's blocks of 32", tensors(data: 32) { $0.tensor("t", [33], type: 2) }),
    ("ends behind the data of 32 bytes", tensors(data: 32) { $0.tensor("t", [9]) }),
    ("ends behind the data of 64 bytes", tensors(data: 64) { $0.tensor("t", [1], offset: .max) }),
    ("ends behind the data of 64 bytes", tensors(data: 64) { $0.tensor("t", [1], offset: 64) }),
    ("starts at 16, no multiple of 32", tensors(data: 64) { $0.tensor("t", [1], offset: 16) }),
    (
      "b starts at 32, within a, which ends at 36",
      tensors(2, data: 96) {
        $0.tensor("a", [9]); $0.tensor("b", [1], offset: 32)
      }
    ),
    ("name of tensor 0 is 256 bytes long; 255 is the limit", tensors(data: 32) { $0.tensor(String(repeating: "t", count: 256), [1]) }),
    ("the name of tensor 0 is empty", tensors(data: 32) { $0.tensor("", [1, 1]) }),
  ]

  @Test(arguments: malformed) func refusesWith(reason: String, bytes: [UInt8]) {
    let error = #expect(throws: ModelFileError.self) { _ = try GGUFFile(data: bytes, name: "t") }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  static let unsupported: [(String, [UInt8])] = [
    ("GGUF version 1; versions 2 and 3", GGUFBuilder.file { $0.head(version: 1) }),
    ("GGUF version 4", GGUFBuilder.file { $0.head(version: 4) }),
    ("of a big-endian machine", GGUFBuilder.file { $0.head(version: UInt32(3).byteSwapped) }),
    ("stored as type 4, which is not known", tensors(data: 32) { $0.tensor("t", [32], type: 4) }),
  ]

  @Test(arguments: unsupported) func refusesWhatItDoesNotKnow(reason: String, bytes: [UInt8]) {
    let error = #expect(throws: ModelFileError.self) { _ = try GGUFFile(data: bytes, name: "t") }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test func takesWhatLiesJustWithinTheLimits() throws {
    for bytes in [
      GGUFBuilder.file { $0.head(version: 2) },
      Self.one(type: 9) {
        for _ in 0..<3 { $0.array(9, count: 1) }; $0.array(0, count: 0)
      },
      GGUFBuilder.file {
        $0.head(keys: 1); $0.key(String(repeating: "k", count: 65535), type: 0); $0.raw(UInt8(0))
      },
      Self.aligned(1 << 20),
      Self.tensors(data: 36) { $0.tensor(String(repeating: "t", count: 255), [9]) },
      // A gap, and an order other than the file's.
      Self.tensors(2, data: 100) {
        $0.tensor("b", [1], offset: 96); $0.tensor("a", [8])
      },
    ] { _ = try GGUFFile(data: bytes, name: "t") }
  }

  @Test func refusesMoreKeysThanTheLimit() throws {
    func file(_ count: Int) -> [UInt8] {
      GGUFBuilder.file {
        $0.head(keys: UInt64(count))
        for index in 0..<count {
          $0.key(String(index), type: 0)
          $0.raw(UInt8(1))
        }
      }
    }
    #expect(try GGUFFile(data: file(GGUFFile.maximumFields), name: "t").keys.count == 65536)
    let error = #expect(throws: ModelFileError.self) { _ = try GGUFFile(data: file(GGUFFile.maximumFields + 1), name: "t") }
    #expect(error?.message.contains("65537 keys; 65536 is the limit") == true)
  }

  @Test func stringsThatAreNoTextAreRefusedWhenAskedFor() throws {
    let file = try GGUFFile(
      data: Self.one(type: 8) {
        $0.raw(UInt64(1)); $0.raw(UInt8(0xff))
      }, name: "t")
    #expect(throws: ModelFileError.self) { try file.string("k") }
  }

  @Test func emptyAndMissingFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(fileURLWithPath: folder("empty.gguf")))
    for name in ["empty.gguf", "none.gguf"] {
      let error = #expect(throws: ModelFileError.self) { _ = try GGUFFile(path: folder(name)) }
      #expect(error?.message.contains(name) == true)
    }
  }
}
