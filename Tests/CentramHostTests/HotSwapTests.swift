import CentramHost
import CentramPackaging
import CentramPluginAPI
import Synchronization
import Testing

@Suite struct HotSwapTests {
  private func host() throws -> PluginHost {
    let folder = try Workshop.folder()
    let packager = PluginPackager(describeCommand: Built.describe)
    for name in ["SwapA", "SwapB"] { _ = try packager.pack(Built.fixture(name), into: folder) }
    return Workshop.host(folder)
  }

  @Test func exchangesVersionsUnderLoadWithoutAFailedCall() async throws {
    let host = try host(), stop = Flag()
    func load(_ version: String) throws -> any TensorMerging { try #require(try host.mergeOperator("test.swap@\(version)") as? any TensorMerging) }
    let slot = PluginSlot<any TensorMerging>(try load("1.0.0"))
    let counts = try await withThrowingTaskGroup(of: [Float: Int].self) { group in
      for _ in 0..<4 {
        group.addTask {
          var seen: [Float: Int] = [:]
          repeat {
            let driver = LendingDriver([[0, 0, 0]], blockSize: 1)
            try slot.withCurrent { (operation) throws(PluginError) in try operation.merge(.vector(driver)) }
            // One call sees one version from its first block to its last.
            #expect(Set(driver.result).count == 1)
            seen[driver.result[0], default: 0] += 1
            await Task.yield()
          } while !stop.isSet
          return seen
        }
      }
      defer { stop.set() }
      for round in 0..<300 {
        slot.swap(to: try load(round % 2 == 0 ? "1.1.0" : "1.0.0"))
        await Task.yield()
      }
      stop.set()
      return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
    }
    #expect(slot.swapCount == 300)
    #expect(Set(counts.keys).isSubset(of: [1, 2]) && counts.values.reduce(0, +) >= 4, "\(counts)")
    #expect(host.snapshot().records.map { "\($0.title) \($0.state)" } == ["test.swap 1.0.0 running", "test.swap 1.1.0 running"])
  }

  @Test func aCallThatRunsKeepsTheVersionThatItBeganWith() async throws {
    let slot = PluginSlot("old")
    let seen = await slot.withCurrent { instance async -> String in
      slot.swap(to: "new")
      await Task.yield()
      return instance + slot.current
    }
    #expect(seen == "oldnew")
  }

  @Test func lendsAHundredMegabytesToASwiftPluginWithoutACopy() throws {
    let driver = LendingDriver([[Float](repeating: 1, count: 25 << 20)])
    _ = try host().mergeOperator("test.swap").merged(driver, shared: ["probe": .boolean(true)])
    let seen = UnsafeRawPointer(driver.output.baseAddress!).loadUnaligned(as: (UInt, UInt).self)
    #expect(seen.0 == UInt(bitPattern: driver.inputs[0].baseAddress) && seen.1 == UInt(bitPattern: driver.output.baseAddress))
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }
}
