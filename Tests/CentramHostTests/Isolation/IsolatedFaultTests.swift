import CentramHost
import CentramIsolation
import CentramPluginAPI
import Foundation
import Synchronization
import Testing

/// What a plugin in a process of its own can do to its host: cost the caller one typed error.
@Suite struct IsolatedFaultTests {
  private static let host = Result { try host { $0.callSeconds[.mergeOperator] = 20 } }

  static func host(_ change: (inout IsolationConfiguration) -> Void = { _ in }) throws -> PluginHost {
    try Isolated.host(fixture: "fault", id: "test.merge.fault", kind: .mergeOperator) {
      $0.memoryBytes = 512 << 20
      change(&$0)
    }
  }

  static func merge(_ operation: any MergeOperator, _ mode: String, place: String = "") throws -> [Float] {
    try operation.merged(LendingDriver([[1, 2, 3, 4]], blockSize: 2), shared: ["mode": .string(mode), "place": .string(place)])
  }

  @Test(arguments: [
    "open", "open-self", "create", "stat", "unlink", "mkdir", "socket", "unix-socket", "netlink", "fork", "vfork", "exec", "kill-parent", "kill-all", "tgkill-parent",
    "queue-parent", "kill-from-thread", "ptrace", "read-parent", "limit-parent", "raise-limit", "outlive", "signal-owner", "memory-file", "shared-memory", "unshare",
    "io-uring", "bpf", "environment", "descriptors",
  ])
  func theSystemSaysNo(attempt: String) throws {
    let operation = try Self.host.get().mergeOperator("fault")
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, attempt) }
    #expect(error.code == .inputOutput && ["EPERM", "EACCES", "EBADF"].contains(error.message), "\(attempt): \(error)")
    // The plugin lives on.
    #expect(try Self.merge(operation, "") == [2, 4, 6, 8])
  }

  @Test(
    arguments: [
      ("crash", "signal 11"), ("abort", "signal 6"), ("exit", "status 3"), ("trap", "signal 4"), ("leak", "signal"), ("stack", "signal 11"), ("close", "closed its channel"),
    ], ["", "block"])
  func anEndIsOneTypedErrorAndTheNextCallGoesWell(fault: (mode: String, reason: String), place: String) throws {
    let operation = try Self.host().mergeOperator("fault")
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, fault.mode, place: place) }
    #expect(error.code == .internalFailure && error.message.contains(fault.reason), "\(error)")
    #expect(try Self.merge(operation, "") == [2, 4, 6, 8])
  }

  @Test(arguments: ["garbage", "short", "forge", "giant"], ["", "block"])
  func wordsOnTheChannelThatNobodyAskedForEndTheProcess(mode: String, place: String) throws {
    let operation = try Self.host().mergeOperator("fault")
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, mode, place: place) }
    #expect(error.message.contains("broke the protocol"), "\(error)")
    #expect(try Self.merge(operation, "") == [2, 4, 6, 8])
  }

  @Test func anInputCannotBeWritten() throws {
    let driver = LendingDriver([[1, 2, 3, 4]]), operation = try Self.host().mergeOperator("fault")
    let error = try #require(throws: PluginError.self) {
      _ = try operation.merged(driver, shared: ["mode": .string("write-input"), "place": .string("block")])
    }
    #expect(error.message.contains("signal 11") && Array(driver.inputs[0]) == [1, 2, 3, 4])
  }

  @Test(arguments: ["hang", "sleep", "endless"], ["", "block"])
  func aCallThatTakesTooLongIsEnded(mode: String, place: String) throws {
    let host = try Self.host {
      $0.callSeconds[.mergeOperator] = 0.3
      $0.passes = 50
    }
    let operation = try host.mergeOperator("fault")
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, mode, place: place) }
    #expect(error.code == .limitExceeded && (error.message.contains("took longer") || error.message.contains("more than 50 passes")), "\(error)")
    #expect(try Self.merge(operation, "") == [2, 4, 6, 8])
  }

  @Test func processorTimeIsLimited() throws {
    let operation = try Self.host { $0.cpuSeconds = 1 }.mergeOperator("fault")
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, "hang") }
    #expect(error.message.contains("more than 1 s of processor time"), "\(error)")
  }

  @Test func aConfigurationThatEndsTheProcessIsOneTypedError() throws {
    let host = try Self.host()
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("fault", configurationJSON: #"{"crash":1}"#) }
    #expect(error.cause?.message.contains("signal 11") == true)
    #expect(try Self.merge(host.mergeOperator("fault"), "") == [2, 4, 6, 8])
  }

  @Test(arguments: ["open", "socket", "fork", "kill-parent", "create"])
  func codeThatRunsWhileTheLoaderWorksIsConfinedAsWell(attempt: String) throws {
    let host = try Isolated.host(fixture: "fault", id: "test.merge.fault", kind: .mergeOperator, flags: ["-DFAULT_CONSTRUCTOR=\"\(attempt)\""])
    #expect(try Self.merge(host.mergeOperator("fault"), "") == [2, 4, 6, 8])
  }

  @Test func aPluginThatEndsTooOftenIsGivenUpWithItsReason() throws {
    let host = try Self.host { ($0.failureLimit, $0.restartDelays) = (3, [0, 0.02]) }
    let operation = try host.mergeOperator("fault")
    for _ in 0..<3 { #expect(throws: PluginError.self) { _ = try Self.merge(operation, "abort") } }
    let error = try #require(throws: PluginError.self) { _ = try Self.merge(operation, "") }
    #expect(error.code == .unavailable && error.message.contains("ended 3 times") && error.message.contains("signal 6"), "\(error)")
    let health = try #require(host.snapshot().records.first?.health)
    #expect(health.state == .failed && health.restarts == 3 && health.lastFailure?.contains("signal 6") == true && health.pid == nil)
  }

  @Test func aBareProcessIsGoneWithItsHost() throws {
    var pid: Int32 = 0
    do {
      let host = try Self.host()
      _ = try host.mergeOperator("fault")
      pid = try #require(host.snapshot().records.first?.health?.pid)
    }
    // The last reference ended it; a process that was waited for no longer exists.
    let end = ContinuousClock.now + .seconds(10)
    while kill(pid, 0) == 0, ContinuousClock.now < end { usleep(1000) }
    #expect(kill(pid, 0) == -1 && errno == ESRCH)
  }
}
