import CentramNode
import Foundation
import Testing

@testable import CentramNode

@Suite struct StoreTests {
  @Test func namesAreKnownOrOwnerAndName() throws {
    #expect(try ModelName("qwen2.5-0.5b").repository == "Qwen/Qwen2.5-0.5B-Instruct")
    #expect(try ModelName("SmolLM2-135M").repository == "HuggingFaceTB/SmolLM2-135M-Instruct")
    #expect(try ModelName("a/b@v1").revision == "v1")
    let error = #expect(throws: ModelStoreError.self) { try ModelName("qwen2.5-05b") }
    #expect(error?.message.contains("did you mean qwen2.5-0.5b?") == true)
    for bad in ["", "/", "a/", "../b", "a/b/c", "a/.b", "a b/c", "a/b@", "a/b@../x", "a/" + String(repeating: "x", count: 97)] {
      #expect(throws: ModelStoreError.self, "\(bad)") { try ModelName(bad) }
    }
    #expect(throws: Never.self) { try ModelName("a/" + String(repeating: "x", count: 96)) }
  }

  @Test func importsAFileAndAFolder() throws {
    let here = try TemporaryStore()
    let file = try here.write(Fixture.weights, as: "tiny.gguf")
    let model = try here.store.import(file)
    #expect(model.name == "tiny")
    #expect(try here.store.path(of: model).hasSuffix("/tiny/tiny.gguf"))
    _ = try here.write(Fixture.config, as: "folder/config.json")
    _ = try here.write(Fixture.weights, as: "folder/model.safetensors")
    let other = try here.store.import(here.folder + "/folder", as: "me/mine")
    #expect(other.files.map(\.path) == ["config.json", "model.safetensors"])
    #expect(try here.store.model("me/mine") == other)
    #expect(try FileManager.default.contentsOfDirectory(atPath: here.store.blobs).count == 2, "equal files are there once")
    #expect(try here.store.verify(model) == [])
    #expect(try here.store.verify(other) == [])
  }

  @Test func importRefusesWhatIsNoModelOrHasNoName() throws {
    let here = try TemporaryStore()
    _ = try here.write([1], as: "empty/readme.txt")
    #expect(throws: ModelStoreError.self) { try here.store.import(here.folder + "/empty") }
    #expect(throws: ModelStoreError.self) { try here.store.import(here.folder + "/nowhere") }
    let file = try here.write([1], as: "x.gguf")
    for name in ["a/b/c", "..", "a--b", ""] { #expect(throws: ModelStoreError.self, "\(name)") { try here.store.import(file, as: name) } }
  }

  @Test func verifyNamesEachDamage() throws {
    let here = try TemporaryStore()
    _ = try here.write(Fixture.config, as: "f/config.json")
    _ = try here.write(Fixture.weights, as: "f/model.safetensors")
    let model = try here.store.import(here.folder + "/f")
    var changed = Fixture.weights
    changed[123_456] ^= 1
    try Data(changed).write(to: URL(fileURLWithPath: here.store.blob(Fixture.sha256(Fixture.weights))))
    let damage = try here.store.verify(model)
    #expect(damage.map(\.path) == ["model.safetensors"] && damage[0].reason.hasPrefix("SHA-256 is"))
    try FileManager.default.removeItem(atPath: here.store.blob(Fixture.sha256(Fixture.config)))
    #expect(try here.store.verify(model).map(\.reason).contains("missing"))
  }

  @Test func removesOnlyWhatNoOtherModelHas() throws {
    let here = try TemporaryStore()
    let one = try here.write(Fixture.weights, as: "one.gguf")
    _ = try here.write(Fixture.weights, as: "two/model.safetensors")
    _ = try here.write(Fixture.config, as: "two/config.json")
    _ = try here.store.import(one)
    let two = try here.store.import(here.folder + "/two")
    #expect(try here.store.remove("two") == Fixture.config.count)
    #expect(throws: ModelStoreError.self) { try here.store.model(two.name) }
    #expect(try here.store.verify(try here.store.model("one")) == [])
    #expect(try here.store.remove("one") == Fixture.weights.count)
    #expect(try FileManager.default.contentsOfDirectory(atPath: here.store.blobs).isEmpty)
  }

  @Test func aDamagedRecordIsNamedAndFreesNothing() throws {
    let here = try TemporaryStore()
    _ = try here.store.import(try here.write(Fixture.weights, as: "one.gguf"))
    for text in ["", "{", #"{"version":1,"name":"x","source":"","files":[{"path":"../x","bytes":1,"sha256":"00"}]}"#, #"{"version":9,"name":"x","source":"","files":[]}"#] {
      _ = try here.write(Array(text.utf8), as: "models/models/bad.json")
      #expect(here.store.list().problems.count == 1 && here.store.list().models.count == 1)
    }
    #expect(try here.store.remove("one") == 0)
  }

  @Test func theFolderOfLinksIsMadeAnew() throws {
    let here = try TemporaryStore()
    let model = try here.store.import(try here.write(Fixture.weights, as: "one.gguf"))
    try FileManager.default.removeItem(atPath: here.store.shown("one"))
    #expect(FileManager.default.contents(atPath: try here.store.path(of: model)) == Data(Fixture.weights))
  }

  @Test func aSecondDownloaderIsToldOfTheFirst() throws {
    let here = try TemporaryStore()
    try here.store.prepare()
    let first = try PartialFile(folder: here.store.partial, key: "k")
    let error = #expect(throws: ModelStoreError.self) { try PartialFile(folder: here.store.partial, key: "k") }
    #expect(error?.message.contains("another process") == true)
    #expect(first.size == 0)
  }
}
