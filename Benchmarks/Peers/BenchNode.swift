internal import CentramNode
internal import CentramPluginAPI
internal import CentramWire
internal import Foundation
internal import Transport_Quic

/// A node with a key of its own and a QUIC endpoint of its own.
struct BenchNode {
  let node: NetworkNode

  /// - Parameter number: its key comes from it.
  init(number: Int, settings: NodeSettings) throws {
    let seed = (0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : 1 }, key = try SigningKey(seed: seed)
    let door = "centram.swift/1".withCString { Transport_Quic.centramPluginDescriptor().pointee.get_interface($0) }
    guard let door, case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(door).takeRetainedValue().capability else { throw PluginError(.invalid, "no transport") }
    // One machine stands for many here.
    let json = #"{"handshakes_per_minute": 1000000, "max_connections": 100000}"#
    let transport = try make(PluginEnvironment(services: Services(seed: seed, key: key), configurationJSON: json))
    node = NetworkNode(settings: settings, key: key, transports: [transport], clock: Clock(), random: Random())
  }

  private struct Services: HostServices, IdentityService {
    let seed: [UInt8], key: SigningKey
    func service(_ id: String) -> (any Sendable)? {
      switch id {
      case "centram.identity/1": self
      case "centram.clock/1": Clock()
      default: nil
      }
    }
    func log(_ level: LogLevel, _ message: String) {}
    var publicKey: [UInt8] { key.publicKey.bytes }
    func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { throw PluginError(.unsupported, "the benchmark signs nothing for plugins") }
    func exportSeed() throws(PluginError) -> [UInt8] { seed }
  }

  private struct Clock: NodeClock {
    var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
    var monotonicNanoseconds: UInt64 { Usage.monotonicNanoseconds }
    func sleep(until nanoseconds: UInt64) async throws {
      let now = monotonicNanoseconds
      try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
    }
  }

  private struct Random: RandomService {
    func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = .random(in: 0...255) } }
  }
}

/// What this process holds and has used.
struct Usage {
  var residentKilobytes = 0, processorSeconds = 0.0

  static var now: Usage {
    var result = Usage(), time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    result.processorSeconds = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    let fields = ((try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? "").split(separator: " ")
    if fields.count > 1 { result.residentKilobytes = (Int(fields[1]) ?? 0) * 4 }
    return result
  }

  static var monotonicNanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
