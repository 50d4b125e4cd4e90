import CentramNode
import Foundation
import Fuzzing
import Testing

@Suite struct ArchiveTests {
  let home: Home
  let good: [UInt8]

  init() throws {
    home = try Home()
    try home.library.export(try home.genome(), to: home("good.genome"))
    good = try home.bytes("good.genome")
  }

  private func verify(_ bytes: [UInt8]) throws -> GenomePackageError? {
    try home.write(bytes, "changed.genome")
    return refusal { _ = try GenomeLibrary.verify(home("changed.genome")) }
  }

  /// With a right checksum after the change.
  private func changed(at offset: Int, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var header = Array(good[offset..<offset + 512])
    change(&header)
    for index in 148..<156 { header[index] = 32 }
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    header.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
    return Array(good[..<offset]) + header + Array(good[(offset + 512)...])
  }

  @Test func archivesThatAreNoneAreRefusedByName() throws {
    #expect(try verify(good) == nil)
    let file = Array(good[..<1024])
    let cases: [([UInt8], String)] = [
      ([], "it ends inside a header"), (Array(good[..<100]), "it ends inside a header"), (Array(good.dropLast(1024)), "it ends inside a header"),
      (Array(good.dropLast(512)), "its end is missing"), (good + [1], "it ends inside a header"), (good + [UInt8](repeating: 0, count: 511) + [7], "after its end"),
      (good + [UInt8](repeating: 0, count: 64 << 10), "are allowed"), (file + good, "is in it twice"),
      (changed(at: 0) { $0[156] = UInt8(ascii: "2") }, "not a regular file"), (changed(at: 0) { $0[156] = UInt8(ascii: "5") }, "not a regular file"),
      (changed(at: 0) { $0.replaceSubrange(0..<6, with: Array("../a/b".utf8)) }, "which no genome has"),
      (changed(at: 0) { $0.replaceSubrange(0..<6, with: Array("/etc/p".utf8)) }, "which no genome has"), (changed(at: 0) { $0[0] = UInt8(ascii: ".") }, "which no genome has"),
      (changed(at: 0) { $0[0] = UInt8(ascii: "b") }, "which the manifest does not name"), (changed(at: 0) { $0[124] = UInt8(ascii: "7") }, "goes beyond the end"),
      (changed(at: 0) { $0[124] = 0x80 }, "no size in octal digits"), (changed(at: 0) { $0[345] = 65 }, "more than 100 bytes"), (changed(at: 0) { $0[0] = 0xff }, "not UTF-8"),
      (changed(at: 0) { $0[257] = 65 }, "no ustar header at byte 0"), ([good[0] ^ 1] + good[1...], "wrong checksum"),
    ]
    for (bytes, words) in cases {
      let error = try verify(bytes)
      #expect(error?.code == .malformed && error?.message.contains(words) == true, "\(words): \(String(describing: error))")
    }
  }

  @Test func asManyFilesAsAllowedAndOneMore() throws {
    func archive(_ count: Int) -> [UInt8] {
      let more = (0..<count).flatMap { number in Array(changed(at: 0) { $0.replaceSubrange(0..<4, with: Array(String(format: "x%03d", number).utf8)) }[..<1024]) }
      return more + good
    }
    #expect(try verify(archive(29))?.message.contains("which the manifest does not name") == true)
    #expect(try verify(archive(30))?.message.contains("more than 32 files") == true)
  }

  /// Every mutation is the genome still, or refused with a typed error; none ends the process.
  @Test func mutationsAreRefusedWithATypedError() throws {
    let fuzz = Fuzz("genome files", rounds: 1500)
    var random = fuzz.random
    for _ in 0..<fuzz.rounds {
      var bytes = good
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
      case 1:
        bytes.insert(
          contentsOf: (0..<Int.random(in: 1...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }, at: Int.random(in: 0...bytes.count, using: &random))
      default:
        for _ in 0..<Int.random(in: 1...5, using: &random) { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      }
      if let error = try verify(bytes) { #expect([.malformed, .signature, .tampered].contains(error.code), "seed \(fuzz.seed): \(error.code.rawValue) \(error)") }
    }
  }
}
