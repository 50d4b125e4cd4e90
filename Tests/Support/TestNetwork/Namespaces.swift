internal import Foundation

/// Hosts of a test's own on one machine: Linux network namespaces, joined by virtual cables. They go with the test.
public final class Namespaces: Sendable {
  private let prefix: String
  public let names: [String]

  /// - Parameter count: how many hosts.
  /// - Returns: nil where this system lets nobody make any; say so and do without.
  public init?(_ count: Int) {
    prefix = "ct\(UInt32.random(in: 0 ... .max) & 0xffffff)"
    names = (0..<count).map { [prefix] in "\(prefix)n\($0)" }
    for name in names {
      guard Self.ip(["netns", "add", name]) else {
        remove()
        return nil
      }
      _ = Self.ip(["-n", name, "link", "set", "lo", "up"])
    }
  }

  deinit { remove() }

  private func remove() { for name in names { _ = Self.ip(["netns", "del", name]) } }

  /// Lays a cable between two hosts and gives each end an address, such as `10.9.0.1/24`.
  /// - Returns: whether the system did it.
  public func join(_ first: Int, _ firstAddress: String, _ second: Int, _ secondAddress: String) -> Bool {
    let ends = ("\(prefix)a\(first)\(second)", "\(prefix)b\(first)\(second)")
    guard Self.ip(["link", "add", ends.0, "netns", names[first], "type", "veth", "peer", "name", ends.1, "netns", names[second]]) else { return false }
    return [(first, ends.0, firstAddress), (second, ends.1, secondAddress)].allSatisfy { host, end, address in
      ip(host, ["addr", "add", address, "dev", end]) && ip(host, ["link", "set", end, "up"])
    }
  }

  /// The name of a host's end of the cable to another.
  public func end(of host: Int, to other: Int) -> String { host < other ? "\(prefix)a\(host)\(other)" : "\(prefix)b\(other)\(host)" }

  /// Runs `ip` inside a host.
  @discardableResult public func ip(_ host: Int, _ arguments: [String]) -> Bool { Self.ip(["-n", names[host]] + arguments) }

  /// What to put before a command so that it runs on a host.
  public func command(_ host: Int) -> [String] { ["/usr/bin/env", "ip", "netns", "exec", names[host]] }

  private static func ip(_ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ip"] + arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
