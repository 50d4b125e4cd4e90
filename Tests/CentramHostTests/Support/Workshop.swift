import CentramHost
import CentramPluginAPI
import Foundation
import Synchronization

/// Builds the C fixtures, each once a process, and lays out plugin folders.
enum Workshop {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let include = root + "/Sources/CentramPluginAPI/C/include"

  /// A folder of this process's own; the system clears it away with the rest of the temporary folder.
  static let scratch: String = {
    let path = NSTemporaryDirectory() + "/centram-host-tests-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Workshop.scratch) }
    return path
  }()

  static func folder(_ name: String = "plugins") throws -> String {
    let path = "\(scratch)/\(name)-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private static let built = Mutex<[String: String]>([:])

  /// A C fixture as a library. The same source and flags are compiled once.
  static func library(_ source: String, _ flags: [String] = []) throws -> String {
    let path = source.hasPrefix("/") ? source : "\(root)/Tests/Fixtures/Host/C/\(source).c"
    return try built.withLock { built in
      let key = ([path] + flags).joined(separator: " ")
      if let known = built[key] { return known }
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let target = "\(scratch)/lib\(name)-\(built.count).so"
      let arguments = ["-shared", "-fPIC", "-O1", "-ffp-contract=off", "-I", include, path, "-o", target, "-lpthread"] + flags
      let (status, output) = try run(["/usr/bin/cc"] + arguments)
      guard status == 0 else { throw PluginError(.internalFailure, "cc failed: \(output)") }
      built[key] = target
      return target
    }
  }

  /// Runs a program and waits for it.
  static func run(_ command: [String], in folder: String? = nil) throws -> (status: Int32, output: String) {
    let child = Process(), pipe = Pipe()
    child.executableURL = URL(fileURLWithPath: command[0])
    child.arguments = Array(command.dropFirst())
    (child.standardOutput, child.standardError) = (pipe, pipe)
    if let folder { child.currentDirectoryURL = URL(fileURLWithPath: folder) }
    try child.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    return (child.terminationReason == .exit ? child.terminationStatus : -child.terminationStatus, output)
  }

  /// A plugin's folder around a library of the C lane, or whatever `change` makes of its `plugin.json`.
  @discardableResult static func plugin(
    _ library: String, id: String, kind: PluginKind, version: String = "1.0.0", in folder: String? = nil, named name: String? = nil,
    signedBy secretKey: [UInt8]? = nil, _ change: (inout [String: Any]) -> Void = { _ in }
  ) throws -> String {
    let target = try (folder ?? Workshop.folder()) + "/" + (name ?? "\(id)-\(version)")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: library))
    let file = URL(fileURLWithPath: library).lastPathComponent
    try bytes.write(to: URL(fileURLWithPath: target + "/" + file))
    var manifest: [String: Any] = [
      "schema": 1, "id": id, "version": version, "kind": kind.rawValue, "summary": "A fixture", "lanes": ["c"], "api": ["c": "^1.0"],
      "library": file, "sha256": try SHA256.hex(ofFile: library),
    ]
    change(&manifest)
    let json = try JSONSerialization.data(withJSONObject: manifest, options: [.sortedKeys, .prettyPrinted])
    try json.write(to: URL(fileURLWithPath: target + "/plugin.json"))
    if let secretKey { try Data(PluginSignature.sign(Array(json), secretKey: secretKey)).write(to: URL(fileURLWithPath: target + "/plugin.json.sig")) }
    return target
  }

  /// A host that has found what lies in a folder.
  static func host(_ folder: String, trust: TrustPolicy = TrustPolicy(), services: any HostServices = DefaultHostServices()) -> PluginHost {
    let host = PluginHost(configuration: HostConfiguration(folders: [folder], trust: trust), services: services)
    host.discover()
    return host
  }

  /// A host with one C fixture in it.
  static func host(fixture: String, id: String, kind: PluginKind, flags: [String] = [], services: any HostServices = DefaultHostServices()) throws -> PluginHost {
    let folder = try folder()
    try plugin(library(fixture, flags), id: id, kind: kind, in: folder)
    return host(folder, services: services)
  }
}

/// Collects what plugins log.
final class LogCollector: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  var services: DefaultHostServices { DefaultHostServices { [self] level, message in lines.withLock { $0.append("\(level) \(message)") } } }
}

/// A small generator whose seed a failing test can print.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 2 &+ 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
