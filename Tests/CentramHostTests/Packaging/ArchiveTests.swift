import CentramArchive
import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Fuzzing
import Testing

/// An archive with one thing wrong, and a part of the sentence that refuses it.
struct BadArchive: Sendable, CustomTestStringConvertible {
  typealias File = (name: String, bytes: [UInt8])

  let name: String, sentence: String
  let make: @Sendable ([File]) -> [UInt8]
  var testDescription: String { name }

  static func archive(_ files: [File], patch: (Int, inout [UInt8]) -> Void = { _, _ in }) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, file) in files.enumerated() {
      var header = TarHeader.bytes(name: file.name, size: file.bytes.count)
      patch(index, &header)
      bytes += header + file.bytes + [UInt8](repeating: 0, count: TarHeader.padding(file.bytes.count))
    }
    return bytes + [UInt8](repeating: 0, count: 1024)
  }

  /// Changes a field of the first header, and its checksum with it.
  static func field(_ name: String, _ sentence: String, at offset: Int, _ text: String) -> BadArchive {
    BadArchive(name: name, sentence: sentence) { files in
      archive(files) { index, header in
        guard index == 0 else { return }
        for (place, byte) in text.utf8.enumerated() { header[offset + place] = byte }
        fixChecksum(&header)
      }
    }
  }

  static func fixChecksum(_ header: inout [UInt8]) {
    let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    let digits = String(sum, radix: 8)
    header.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - digits.count) + digits + "\u{0} ").utf8))
  }

  static func named(_ name: String, _ file: String, _ sentence: String) -> BadArchive {
    BadArchive(name: name, sentence: sentence) { archive($0 + [(file, [1, 2, 3])]) }
  }
}

private let badArchives: [BadArchive] = [
  .named("a way out of the folder", "../evil.so", "it holds the file \"../evil.so\""),
  .named("an absolute name", "/etc/passwd", "it holds the file \"/etc/passwd\""),
  .named("a folder within", "lib/evil.so", "it holds the file \"lib/evil.so\""),
  .named("a hidden file", ".profile", "it holds the file \".profile\""),
  .named("a name of a way out behind a point", "./../evil.so", "it holds the file"),
  .named("a second library", "evil.so", "holds evil.so, which plugin.json does not name"),
  .field("a symbolic link", "is not a regular file (type 50)", at: 156, "2"), .field("a hard link", "is not a regular file (type 49)", at: 156, "1"),
  .field("a device", "is not a regular file (type 51)", at: 156, "3"), .field("a FIFO", "is not a regular file (type 54)", at: 156, "6"),
  .field("a header of GNU's for long names", "is not a regular file (type 76)", at: 156, "L"),
  .field("a header of pax", "is not a regular file (type 120)", at: 156, "x"), .field("no name", "it holds the file \"\"", at: 0, "\u{0}"),
  .field("a size of 8 GiB", "goes beyond the end", at: 124, "77777777777"), .field("a size that is no number", "has no size in octal digits", at: 124, "88888888888"),
  BadArchive(name: "a size in base 256", sentence: "has no size in octal digits") { files in
    BadArchive.archive(files) { index, header in
      guard index == 0 else { return }
      header[124] = 0xFF
      BadArchive.fixChecksum(&header)
    }
  },
  BadArchive(name: "a wrong checksum", sentence: "has a wrong checksum") { BadArchive.archive($0) { _, header in header[100] ^= 1 } },
  BadArchive(name: "a file twice", sentence: "plugin.json is in it twice") { BadArchive.archive($0 + [$0[0]]) },
  BadArchive(name: "another spelling of a file", sentence: "plugin.json is in it twice") { BadArchive.archive($0 + [("./plugin.json", $0[0].bytes)]) },
  BadArchive(name: "something behind its end", sentence: "there is something after its end") { BadArchive.archive($0) + [1] + [UInt8](repeating: 0, count: 511) },
  BadArchive(name: "no end", sentence: "its end is missing") { BadArchive.archive($0).dropLast(1024) + [UInt8](repeating: 0, count: 512) },
  BadArchive(name: "half of it", sentence: "goes beyond the end") { Array(BadArchive.archive($0).prefix(2048)) },
  BadArchive(name: "no plugin.json", sentence: "holds no plugin.json") { BadArchive.archive(Array($0.dropFirst())) },
  BadArchive(name: "no library", sentence: "the library that plugin.json names") { BadArchive.archive(Array($0.prefix(1))) },
  BadArchive(name: "thirty-three files", sentence: "more than 32 files") { files in BadArchive.archive(files + (0..<32).map { ("f\($0)", [1]) }) },
  BadArchive(name: "a plugin.json of 300 KB", sentence: "plugin.json has 307200 bytes, the limit is 262144") {
    BadArchive.archive([("plugin.json", [UInt8](repeating: 32, count: 300 << 10))] + $0.dropFirst())
  },
  BadArchive(name: "a signature of 65 bytes", sentence: "plugin.json.sig has 65 bytes, the limit is 64") {
    BadArchive.archive($0 + [("plugin.json.sig", [UInt8](repeating: 1, count: 65))])
  },
  BadArchive(name: "a zip file", sentence: "no ustar header at byte 0") { _ in Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 1, count: 2048) },
  BadArchive(name: "nothing", sentence: "it ends inside a header") { _ in [] },
  BadArchive(name: "another library", sentence: "is not the file that plugin.json names") { files in
    BadArchive.archive([files[0], (files[1].name, files[1].bytes + [0])])
  },
]

@Suite struct ArchiveTests {
  private func files() throws -> [BadArchive.File] {
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator)
    let manifest = try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json")), library = try PluginManifest.decode(Array(manifest)).library
    return [("plugin.json", Array(manifest)), (library, Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(library)"))))]
  }

  private func install(_ bytes: [UInt8], into folder: String) throws(HostError) -> PluginInstaller.Installed {
    let archive = folder + "/../\(UUID().uuidString).tar"
    _ = FileManager.default.createFile(atPath: archive, contents: Data(bytes))
    return try PluginInstaller(folder: folder, host: HostConfiguration(trust: TrustPolicy(untrusted: .allow))).install(archive)
  }

  @Test(arguments: badArchives) func isRefusedAndLeavesNothing(_ bad: BadArchive) throws {
    let folder = try Workshop.folder(), bytes = bad.make(try files())
    let error = try #require(throws: HostError.self) { _ = try install(bytes, into: folder) }
    #expect(error.message.contains(bad.sentence), "\(error)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [".lock"])
  }

  @Test func takesTheSameFilesUndamaged() throws {
    let folder = try Workshop.folder(), installed = try install(BadArchive.archive(files()), into: folder)
    #expect(installed.outcome == .installed)
  }

  @Test func takesAManifestAndANameAtTheirLimits() throws {
    var files = try files()
    files[0].bytes += [UInt8](repeating: 32, count: PluginManifest.sizeLimit - files[0].bytes.count)
    let installed = try install(BadArchive.archive(files), into: Workshop.folder())
    #expect(installed.outcome == .installed)
    files[0].bytes.append(32)
    let error = try #require(throws: HostError.self) { _ = try install(BadArchive.archive(files), into: Workshop.folder()) }
    #expect(error.message.contains("plugin.json has 262145 bytes, the limit is 262144"))
    for count in [100, 101] {
      let library = try Workshop.folder("libraries") + "/" + String(repeating: "l", count: count - 3) + ".so"
      try FileManager.default.copyItem(atPath: Workshop.library("merge"), toPath: library)
      let path = try Workshop.plugin(library, id: "test.merge.center", kind: .mergeOperator)
      guard count == 101 else {
        try PluginArchive.write(path, into: path + "/..")
        continue
      }
      let long = try #require(throws: HostError.self) { try PluginArchive.write(path, into: path + "/..") }
      #expect(long.message.contains("has 101 bytes; a name in an archive has at most 100"))
    }
  }

  @Test func takesWhatTarWritesOfAFolder() throws {
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator), archive = path + "/../t.tar"
    for format in ["ustar", "gnu"] {
      try #require(try Workshop.run(["/bin/tar", "--format=\(format)", "-cf", archive, "-C", path, "."]).status == 0)
      let installed = try PluginInstaller(folder: Workshop.folder(), host: HostConfiguration(trust: TrustPolicy(untrusted: .allow))).install(archive)
      #expect(installed.id == "test.merge.center")
    }
  }

  @Test func damagedArchivesAreInstalledOrRefusedWithASentenceAndNothingElseAppears() throws {
    let fuzz = Fuzz("plugin archive", rounds: 400), original = BadArchive.archive(try files()), folder = try Workshop.folder()
    var random = fuzz.random
    for round in 0..<fuzz.rounds {
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        // Headers, mostly.
        let place = Bool.random(using: &random) ? Int.random(in: 0..<512, using: &random) : Int.random(in: 0..<bytes.count, using: &random)
        if Int.random(in: 0..<8, using: &random) == 0 { bytes.removeLast(min(bytes.count - 1, 512 * Int.random(in: 1..<4, using: &random))) }
        if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
      }
      if round % 2 == 0, bytes.count >= 512 {
        var header = Array(bytes[..<512])
        BadArchive.fixChecksum(&header)
        bytes.replaceSubrange(..<512, with: header)
      }
      do throws(HostError) {
        _ = try install(bytes, into: folder)
      } catch { #expect(!error.message.isEmpty, "seed \(fuzz.seed), round \(round)") }
      let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
      #expect(names.isSubset(of: [".lock", ".store", "test.merge.center-1.0.0"]), "seed \(fuzz.seed), round \(round): \(names)")
    }
  }
}
