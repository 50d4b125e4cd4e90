// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import CentramPluginAPI
internal import Foundation

/// What a plugin under test may ask for: a clock and random bytes, as of every host, and what its suite adds. The suites need no host, so that the
/// SDK has them too.
struct SuiteServices: HostServices {
  private let services: [String: any Sendable]

  /// - Parameter added: by interface id; each goes before the clock or the random bytes of the same id.
  init(_ added: [String: any Sendable] = [:]) { services = Self.defaults.merging(added) { $1 } }

  static let defaults: [String: any Sendable] = ["centram.clock/1": Clock(), "centram.random/1": Random()]

  func service(_ id: String) -> (any Sendable)? { services[id] }
  func log(_ level: LogLevel, _ message: String) {}

  private struct Clock: ClockService {
    var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
    var monotonicNanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }
  }

  private struct Random: RandomService {
    func fill(_ bytes: UnsafeMutableRawBufferPointer) { if let start = bytes.baseAddress { randombytes_buf(start, bytes.count) } }
  }
}
