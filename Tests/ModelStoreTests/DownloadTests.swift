import CentramDownload
import Foundation
import Synchronization
import TestServer
import Testing

@testable import CentramNode

@Suite struct DownloadTests {
  /// A hub with one model; `weights` answers for the large file.
  private func hub(
    digest: String? = nil, weights: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Response = { .file(Fixture.weights, $0) }
  ) throws -> ScriptedServer {
    try ScriptedServer { request in
      switch request.path {
      case "/api/models/a/b/tree/main?recursive=true": .text(Fixture.tree(weightsDigest: digest))
      case "/a/b/resolve/main/config.json": .file(Fixture.config, request)
      case "/a/b/resolve/main/model.safetensors": weights(request)
      default: .missing
      }
    }
  }

  @Test func fetchesWhatAModelNeedsAndShowsItUnderItsNames() throws {
    let here = try TemporaryStore(), server = try hub()
    let model = try here.store.fetch("a/b", from: server)
    #expect(model.files.map(\.path) == ["config.json", "model.safetensors"])
    let folder = try here.store.path(of: model)
    #expect(FileManager.default.contents(atPath: folder + "/model.safetensors") == Data(Fixture.weights))
    #expect(try here.store.verify(model) == [])
    #expect(here.store.list().models == [model])
  }

  @Test func goesOnWhereTheConnectionWasCut() throws {
    let cuts = Mutex(0)
    let here = try TemporaryStore(), witness = Witness()
    let server = try hub(weights: { request in
      let number = cuts.withLock { cuts in
        cuts += 1
        return cuts
      }
      return .file(Fixture.weights, request, cutAfter: number < 4 ? 200_000 : nil)
    })
    let model = try here.store.fetch("a/b", from: server, witness)
    #expect(try here.store.verify(model) == [])
    #expect(server.requests.map(\.offset).filter { $0 > 0 } == [200_000, 400_000, 600_000])
    #expect(witness.waits == [1, 1, 1])
    #expect(witness.notes.count == 3)
  }

  @Test func startsOverWhereTheServerCannotGoOn() throws {
    let first = Mutex(true)
    let here = try TemporaryStore()
    let server = try hub(weights: { _ in
      let isFirst = first.withLock { first in
        defer { first = false }
        return first
      }
      return ScriptedServer.Response(body: Fixture.weights, cutAfter: isFirst ? 300_000 : nil)
    })
    let model = try here.store.fetch("a/b", from: server)
    #expect(try here.store.verify(model) == [])
  }

  @Test func givesUpAfterItsRetriesAndKeepsWhatCame() throws {
    let here = try TemporaryStore(), witness = Witness()
    let server = try hub(weights: { $0.offset == 0 ? .file(Fixture.weights, $0, cutAfter: 1000) : ScriptedServer.Response(status: 503) })
    let error = #expect(throws: ModelStoreError.self) { try here.store.fetch("a/b", from: server, witness) }
    #expect(error?.code == .network && error?.message.contains("1000 bytes are kept") == true, "\(error?.message ?? "")")
    #expect(witness.waits == [1, 2, 4, 8, 16])
    #expect(here.store.list().models.isEmpty)
    let healthy = try hub()
    let model = try here.store.fetch("a/b", from: healthy)
    #expect(healthy.requests.map(\.offset).contains(1000))
    #expect(try here.store.verify(model) == [])
  }

  @Test func refusesBytesThatAreNotThoseOfTheListing() throws {
    let here = try TemporaryStore()
    let wrong = String(repeating: "ab", count: 32)
    let error = #expect(throws: ModelStoreError.self) { try here.store.fetch("a/b", from: try hub(digest: wrong)) }
    #expect(error?.code == .damaged && error?.message.contains(wrong) == true)
    #expect(here.store.list().models.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: here.store.partial).isEmpty)
  }

  @Test func fetchesAllAgainWhereTheLeftPartIsWrong() throws {
    let here = try TemporaryStore(), witness = Witness(), server = try hub()
    try here.store.prepare()
    _ = try here.write(Array(repeating: 7, count: 5000), as: "models/partial/" + Fixture.sha256(Fixture.weights))
    let model = try here.store.fetch("a/b", from: server, witness)
    #expect(try here.store.verify(model) == [])
    #expect(witness.notes.count == 1)
  }

  @Test func refusesMoreBytesThanTheListingSays() throws {
    let here = try TemporaryStore()
    let error = #expect(throws: ModelStoreError.self) {
      try here.store.fetch("a/b", from: try hub(weights: { _ in ScriptedServer.Response(body: Fixture.weights + [1]) }))
    }
    #expect(error?.code == .damaged)
  }

  @Test func sendsItsTokenToTheHubAndNotWhereThatRedirects() throws {
    let other = try ScriptedServer { .file(Fixture.weights, $0) }
    let elsewhere = "http://localhost:\(other.port)/x"
    let here = try TemporaryStore(), server = try hub(weights: { _ in .redirect(elsewhere) })
    _ = try here.store.fetch("a/b", from: server, token: "secret")
    #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer secret" })
    #expect(other.requests.count == 1 && other.requests[0].headers["authorization"] == nil)
  }

  @Test func takesAPlainServerWithSums() throws {
    let here = try TemporaryStore()
    let server = try ScriptedServer { request in
      switch request.path {
      case "/a/b/resolve/main/SHA256SUMS": .text("\(Fixture.sha256(Fixture.weights))  tiny.gguf\n")
      case "/a/b/resolve/main/tiny.gguf": .file(Fixture.weights, request)
      default: .missing
      }
    }
    let model = try here.store.fetch("a/b", from: server)
    #expect(try here.store.path(of: model).hasSuffix("/tiny.gguf"))
  }

  @Test func equalFilesAreFetchedOnce() throws {
    let here = try TemporaryStore(), server = try hub()
    _ = try here.store.fetch("a/b", from: server)
    let before = server.requests.count
    _ = try here.store.fetch("a/b", from: server)
    #expect(server.requests.count == before + 2, "the listing, and the small file that only git's digest names")
  }

  @Test func aCancelledDownloadIsCancelled() throws {
    let here = try TemporaryStore(), server = try hub()
    var options = DownloadOptions()
    options.base = server.address
    let error = #expect(throws: ModelStoreError.self) {
      try here.store.download(try ModelName("a/b"), as: "a/b", with: CurlFetcher(version: "t"), options: options, observer: Witness().observer(isCancelled: { true }))
    }
    #expect(error?.code == .cancelled)
  }

  @Test func saysWhatAServerWithoutTheModelNeeds() throws {
    let here = try TemporaryStore()
    let error = #expect(throws: ModelStoreError.self) { try here.store.fetch("a/b", from: try ScriptedServer { _ in .missing }) }
    #expect(error?.code == .notFound && error?.message.contains("SHA256SUMS") == true)
    let refused = #expect(throws: ModelStoreError.self) { try here.store.fetch("a/b", from: try ScriptedServer { _ in .init(status: 401) }) }
    #expect(refused?.message.contains("HF_TOKEN") == true)
  }
}
