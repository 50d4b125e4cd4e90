import CentramModel
import Foundation
import Testing

@Suite struct GGUFWriterTests {
  @Test func readsBackWhatItWrites() throws {
    let folder = try TemporaryFolder(), types = try FormatFixtures.gguf("types")
    var metadata = GGUFMetadata()
    metadata.set("general.architecture", "x")
    metadata.set("empty", "")
    metadata.set("texts", strings: ["", "ü", "😀"])
    metadata.set("numbers", float32s: [1, -0.5])
    metadata.set("ids", int32s: [])
    metadata.set("again", uint32: 1)
    metadata.set("again", uint32: 2)
    for key in types.keys { metadata.copy(key, from: types) }
    let items: [GGUFWriter.Item] = [.init(name: "a", type: .f32, shape: [3]), .init(name: "b", type: .q8_0, shape: [2, 64]), .init(name: "c", type: .f16, shape: [2, 3, 4])]
    let writer = try GGUFWriter(path: folder("out.gguf"), metadata: metadata, items: items, alignment: 64)
    try (0..<12).map { UInt8($0) }.withUnsafeBytes { try writer.write($0, of: "a", at: 0) }
    try (0..<68).map { UInt8($0) }.withUnsafeBytes { try writer.write($0, of: "b", at: 68) }
    try writer.synchronize()
    let file = try GGUFFile(path: folder("out.gguf"))
    #expect(file.size == writer.size)
    #expect(file.alignment == 64)
    #expect(file.tensors.map(\.name) == ["a", "b", "c"])
    #expect(file.tensors.map(\.shape) == [[3], [2, 64], [2, 3, 4]])
    #expect(file.bytes(of: file.tensors[0]).elementsEqual((0..<12).map { UInt8($0) }))
    #expect(file.bytes(of: file.tensors[1]).suffix(68).elementsEqual((0..<68).map { UInt8($0) }))
    #expect(try file.string("empty") == "")
    #expect(try file.integer("again") == 2)
    let texts = try #require(try file.strings("texts"))
    #expect(texts.indices.map(texts.string) == ["", "ü", "😀"])
    #expect(try file.array("ids")?.integers == [])
    for key in types.keys where key != "general.architecture" {
      #expect(try file.value(key)?.type == types.value(key)?.type, "\(key)")
    }
    #expect(try file.array("t.nested")?.values().count == 2)
    #expect(try file.number("t.f64") == 0.1)
  }

  @Test func refusesRowsThatAreNoBlocksAndFilesThatAreThere() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: ModelFileError.self) {
      _ = try GGUFWriter(path: folder("out.gguf"), metadata: GGUFMetadata(), items: [.init(name: "a", type: .q4_0, shape: [2, 33])])
    }
    #expect(error?.message.contains("in blocks of 32") == true)
    _ = try GGUFWriter(path: folder("out.gguf"), metadata: GGUFMetadata(), items: [])
    #expect(throws: ModelFileError.self) { _ = try GGUFWriter(path: folder("out.gguf"), metadata: GGUFMetadata(), items: []) }
  }
}
