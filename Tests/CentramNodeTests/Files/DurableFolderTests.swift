import Foundation
import Testing

@testable import CentramNode

@Suite struct DurableFolderTests {
  @Test func reportsAFullDisk() throws {
    // The kernel's device that is always full stands for the disk.
    let error = #expect(throws: MergeError.self) { try DurableFolder(folder: "/dev").write("text", as: "full") }
    #expect(error == MergeError(.output, "cannot write /dev/full: No space left on device"))
  }

  @Test func reportsAFullDiskWhileCopying() throws {
    let scratch = try ScratchFolder()
    let source = FolderFiles(folder: try scratch.folder("model", ["full": "text"]))
    let error = #expect(throws: MergeError.self) { try DurableFolder(folder: "/dev").copy("full", from: source) }
    #expect(error?.code == .output)
  }

  @Test func reportsAFolderThatIsNotThere() throws {
    let error = #expect(throws: MergeError.self) { try DurableFolder(folder: "/nonexistent/folder").write("text", as: "a") }
    #expect(error == MergeError(.output, "cannot write /nonexistent/folder/a: No such file or directory"))
  }

  @Test func copiesWhatALinkPointsTo() throws {
    let scratch = try ScratchFolder()
    let text = String(repeating: "long ", count: 50_000)
    let source = FolderFiles(folder: try scratch.folder("model", ["blob": text]))
    try FileManager.default.createSymbolicLink(atPath: source.path("name"), withDestinationPath: "blob")
    try DurableFolder(folder: scratch.folder("out")).copy("name", from: source)
    #expect(try scratch.text("out/name") == text)
    #expect(try FileManager.default.attributesOfItem(atPath: scratch.path + "/out/name")[.type] as? FileAttributeType == .typeRegular)
  }

  @Test func listsRegularFilesByName() throws {
    let scratch = try ScratchFolder()
    let folder = try scratch.folder("out", ["b": "12", "a": "1", "é": ""])
    _ = try scratch.folder("out/inner")
    let list = try DurableFolder(folder: folder).list()
    #expect(list.map(\.name) == ["a", "b", "é"] && list.map(\.bytes) == [1, 2, 0])
  }

  @Test func readsNothingButRegularFiles() throws {
    let scratch = try ScratchFolder()
    let files = FolderFiles(folder: scratch.path)
    #expect(try files.read("missing") == nil && files.exists("missing") == false)
    #expect(mkfifo(files.path("pipe"), 0o600) == 0)
    let error = #expect(throws: MergeError.self) { try files.read("pipe") }
    #expect(error == MergeError(.input, "\(files.path("pipe")): not a regular file") && !files.exists("pipe"))
  }

  @Test func namesFileAndByteOfAMistake() throws {
    let scratch = try ScratchFolder()
    let files = FolderFiles(folder: try scratch.folder("model", ["config.json": "{\"a\": }", "list.json": "[]"]))
    let error = #expect(throws: MergeError.self) { try files.jsonObject("config.json") }
    #expect(error == MergeError(.input, "\(files.path("config.json")): not JSON at byte 6: expected a value"))
    #expect(throws: MergeError(.input, "\(files.path("list.json")): not a JSON object")) { try files.jsonObject("list.json") }
  }
}
