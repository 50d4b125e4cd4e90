import CentramDownload
import Foundation
import Testing

@testable import CentramNode

@Suite struct ListingTests {
  private let listing = RemoteListing(fetcher: CurlFetcher(version: "t"), base: "http://h", token: nil, isCancelled: { false })
  private let name = try! ModelName("a/b")

  @Test(arguments: ["../../etc/passwd", "/etc/passwd", "a/../../b", "", "a//b", "a/./b", "a\u{1}b", String(repeating: "x", count: 401)])
  func refusesPathsThatLeaveTheFolder(path: String) throws {
    let entry = try JSONEncoder().encode(path)
    let tree = #"[{"type":"file","oid":"\#(String(repeating: "a", count: 40))","size":1,"path":\#(String(decoding: entry, as: UTF8.self))}]"#
    #expect(throws: ModelStoreError.self) { try listing.parseTree(Array(tree.utf8), name, "u") }
  }

  @Test func refusesSumsThatAreNone() {
    for text in ["abc  file", String(repeating: "g", count: 64) + "  f", String(repeating: "a", count: 64) + "f", String(repeating: "a", count: 64) + "  ../f"] {
      #expect(throws: ModelStoreError.self) { try listing.parseSums(Array(text.utf8), "f") }
    }
  }

  @Test func anyDamagedListingIsATypedError() {
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0 ... .max, using: &random)
    var state = seed
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    let tree = Array(Fixture.tree().utf8)
    for _ in 0..<5000 {
      var bytes = tree
      for _ in 0...(next() % 4) { bytes[next() % bytes.count] = UInt8(next() & 255) }
      if next() % 4 == 0 { bytes.removeLast(next() % bytes.count) }
      do { _ = try listing.parseTree(bytes, name, "u") } catch { #expect(error.code == .network, "seed \(seed)") }
    }
  }

  @Test func choosesWhatRunsAndLeavesTheRest() throws {
    func file(_ path: String) -> RemoteFile { RemoteFile(path: path, size: 1, digest: .sha256(""), url: "") }
    let all = ["config.json", "model.safetensors", "consolidated.safetensors", "pytorch_model.bin", "tokenizer.json", "onnx/model.onnx", "x.gguf"].map(file)
    #expect(try FileSelection(patterns: []).choose(all, of: "m").map(\.path) == ["model.safetensors", "config.json", "tokenizer.json"])
    let quants = ["a-q4_0.gguf", "a-q8_0.gguf", "README.md"].map(file)
    let error = #expect(throws: ModelStoreError.self) { try FileSelection(patterns: []).choose(quants, of: "m") }
    #expect(error?.message.contains("a-q4_0.gguf, a-q8_0.gguf") == true)
    #expect(try FileSelection(patterns: ["*q8_0.gguf"]).choose(quants, of: "m").map(\.path) == ["a-q8_0.gguf"])
    #expect(throws: ModelStoreError.self) { try FileSelection(patterns: ["*q5*"]).choose(quants, of: "m") }
    #expect(throws: ModelStoreError.self) { try FileSelection(patterns: []).choose([file("pytorch_model.bin")], of: "m") }
  }
}
