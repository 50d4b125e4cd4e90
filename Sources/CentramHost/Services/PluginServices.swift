internal import CSodium
public import CentramPluginAPI
internal import Foundation

/// The host's services as one plugin sees them: its lines in the log begin with its id.
struct PluginServices: HostServices {
  let base: any HostServices
  let plugin: String
  func service(_ id: String) -> (any Sendable)? { base.service(id) }
  func log(_ level: LogLevel, _ message: String) { base.log(level, "\(plugin): \(message)") }
}

/// The services that every host has: a clock, random bytes and a log. Others may be added, or put in the place of these.
public struct DefaultHostServices: HostServices {
  private let services: [String: any Sendable]
  private let write: @Sendable (LogLevel, String) -> Void

  /// - Parameters:
  ///   - services: by interface id; each goes before the default of the same id.
  ///   - log: gets each line; from any thread.
  public init(services: [String: any Sendable] = [:], log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }) {
    let defaults: [String: any Sendable] = ["centram.clock/1": SystemClock(), "centram.random/1": SystemRandom()]
    self.services = defaults.merging(services) { $1 }
    self.write = log
  }

  public func service(_ id: String) -> (any Sendable)? { services[id] }
  public func log(_ level: LogLevel, _ message: String) { write(level, message) }
}

/// The computer's own clocks.
public struct SystemClock: ClockService {
  public init() {}
  public var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
  public var monotonicNanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }
}

/// Random bytes from the kernel's source, by libsodium.
public struct SystemRandom: RandomService {
  public init() {}
  public func fill(_ bytes: UnsafeMutableRawBufferPointer) { if let start = bytes.baseAddress { randombytes_buf(start, bytes.count) } }
}
