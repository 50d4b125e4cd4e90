import CentramGenome
import CentramModel
import CentramNode
import CentramStore
import Foundation
import Testing

@Suite struct PackageTests {
  let home: Home, other: Home
  init() throws { (home, other) = (try Home(), try Home(key: 2)) }

  private func run(_ executable: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process(), output = Pipe()
    (process.executableURL, process.arguments, process.standardOutput) = (URL(fileURLWithPath: executable), arguments, output)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test(arguments: ["out", "out.genome"]) func whatIsExportedIsImportedUnchanged(name: String) throws {
    let record = try home.genome()
    try home.library.export(record, to: home(name))
    let checked = try GenomeLibrary.verify(home(name))
    let (taken, outcome) = try other.library.import(home(name))
    #expect(checked.id == record.id && outcome == .added && taken.state == .received && taken.manifest == record.manifest && taken.signature == record.signature)
    for file in record.files {
      let (here, there) = (try home.store.read(file.hash), try other.store.read(file.hash))
      #expect(here == there)
    }
    let (_, again) = try other.library.import(home(name))
    #expect(again == .alreadyThere(.received))
    // Given on, it is the same bytes.
    try other.library.export(taken, to: other(name))
    if name == "out" {
      let names = try FileManager.default.contentsOfDirectory(atPath: other("out")).sorted()
      #expect(names == ["adapter_config.json", "adapter_model.safetensors", "manifest"])
      _ = try Adapter(folder: other("out"))
      for name in names {
        let (first, second) = (try home.bytes("out/" + name), try other.bytes("out/" + name))
        #expect(first == second, "\(name)")
      }
    } else {
      let (first, second) = (try home.bytes(name), try other.bytes(name))
      #expect(first == second)
    }
  }

  @Test func tarOpensAGenomeFileAndMakesOne() throws {
    let record = try home.genome()
    try home.library.export(record, to: home("out.genome"))
    let listing = try run("/bin/tar", ["tf", home("out.genome")])
    #expect(listing.status == 0 && listing.output == "adapter_config.json\nadapter_model.safetensors\nmanifest\n")
    try home.library.export(record, to: home("folder"))
    for format in ["gnu", "ustar"] {
      let made = try run("/bin/tar", ["cf", home(format + ".genome"), "--format", format, "-C", home("folder"), "."])
      let checked = try GenomeLibrary.verify(home(format + ".genome"))
      #expect(made.status == 0 && checked.id == record.id)
    }
  }

  @Test func whatIsThereIsNotReplacedUnasked() throws {
    let record = try home.genome()
    try home.write("mine".utf8, "out.genome")
    try home.write("mine".utf8, "out/file")
    for name in ["out.genome", "out"] {
      #expect(refusal { try home.library.export(record, to: home(name)) }?.message.contains("is there already") == true)
    }
    #expect(refusal { try home.library.export(record, to: home("out"), replaces: true) }?.code == .storage)
    try home.library.export(record, to: home("out.genome"), replaces: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: home.path).filter { $0.hasPrefix(".") || $0.hasSuffix(".part") }
    let mine = try home.bytes("out/file")
    _ = try GenomeLibrary.verify(home("out.genome"))
    #expect(names.isEmpty && mine == Array("mine".utf8))
  }

  @Test func weightsThatWereFreedAreNotExported() throws {
    let record = try home.genome()
    let (taken, _) = try other.library.import(try exported(record))
    try other.store.decide(taken.id, .rejected, advancesLog: true, now: 1)
    _ = try other.store.collect(now: .max)
    let error = refusal { try other.library.export(try other.library.genome(taken.id), to: other("again")) }
    #expect(error?.code == .notFound && error?.message.contains("rejected") == true && !FileManager.default.fileExists(atPath: other("again")))
  }

  private func exported(_ record: GenomeRecord) throws -> String {
    let path = home("exported-\(UUID().uuidString)")
    try home.library.export(record, to: path)
    return path
  }

  /// Each tampering with its code and what the error names.
  @Test func eachTamperingIsRefusedByName() throws {
    let record = try home.genome(1), stranger = try home.genome(2)
    func flip(_ name: String, at place: Int) -> (String) throws -> Void {
      { folder in
        let url = URL(fileURLWithPath: folder + "/" + name)
        var bytes = [UInt8](try Data(contentsOf: url))
        bytes[place < 0 ? bytes.count + place : place] ^= 1
        try Data(bytes).write(to: url)
      }
    }
    func replace(_ name: String, _ bytes: [UInt8]?) -> (String) throws -> Void {
      { folder in
        unlink(folder + "/" + name)
        if let bytes { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
      }
    }
    let foreign = try #require(try home.store.signedManifest(stranger.id))
    let cases: [(change: (String) throws -> Void, code: GenomePackageError.Code, names: String)] = [
      (flip("adapter_model.safetensors", at: -1), .tampered, "adapter_model.safetensors is not the file that the author signed"),
      (flip("adapter_config.json", at: 3), .tampered, "adapter_config.json is not the file"), (flip("manifest", at: 40), .signature, "manifest"),
      (flip("manifest", at: -1), .signature, "manifest"), (replace("manifest", foreign), .tampered, "is not the file"),
      (replace("manifest", nil), .malformed, "manifest is missing"), (replace("manifest", []), .signature, "manifest"),
      (replace("manifest", [UInt8](repeating: 0x20, count: SignedManifest.maximumLength + 1)), .malformed, "are allowed"),
      (replace("adapter_model.safetensors", nil), .malformed, "adapter_model.safetensors is missing"),
      (replace("adapter_model.safetensors", [1, 2, 3]), .tampered, "has 3 bytes, and the manifest says"),
    ]
    for (change, code, names) in cases {
      let folder = try exported(record)
      try change(folder)
      for error in [refusal { _ = try GenomeLibrary.verify(folder) }, refusal { _ = try other.library.import(folder) }] {
        #expect(error?.code == code && error?.message.contains(names) == true, "\(names): \(String(describing: error))")
      }
    }
    let records = try other.store.genomes()
    #expect(records.isEmpty)
  }

  @Test func damageInTheStoreIsNamedByVerify() throws {
    let record = try home.genome()
    let blob = home.store.path(ofBlob: record.files[1].hash)
    try Data("short".utf8).write(to: URL(fileURLWithPath: blob))
    let error = refusal { _ = try home.library.verify(record) }
    #expect(error?.code == .tampered && error?.message.contains("adapter_model.safetensors") == true)
    let out = home("out.genome")
    #expect(refusal { try home.library.export(record, to: out) }?.code == .tampered && !FileManager.default.fileExists(atPath: out))
    unlink(blob)
    #expect(refusal { _ = try home.library.verify(record) }?.code == .notFound)
  }

  @Test func ownGenomesOfAnEarlierHomeContinueTheLog() throws {
    let first = try home.genome(1), second = try home.genome(2)
    let again = try Home(key: 1)
    for record in [first, second] {
      let (taken, _) = try again.library.import(try exported(record))
      #expect(taken.state == .own)
    }
    let third = try again.genome(3)
    #expect(third.sequence == 3 && third.previous == second.id)
  }
}
