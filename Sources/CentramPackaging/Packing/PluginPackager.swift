internal import CHostSystem
public import CentramHost
internal import CentramPluginAPI
internal import Foundation

/// Makes a plugin's folder out of a library: copies it and writes `plugin.json`, with a signature where a key is given.
public struct PluginPackager: Sendable {
  /// The command that describes a library in a process of its own, the file's path added to its end: loading a bad library
  /// can kill a process. `[executable, "plugin", "describe"]`.
  public var describeCommand: [String]
  /// Seconds that the command may take.
  public var timeLimit = 20.0
  public var publisher: String?
  /// Signs `plugin.json`; nil: no signature.
  public var key: PublisherKey?
  /// Whether the plugin asks for a process of its own.
  public var isIsolated = false

  public init(describeCommand: [String], publisher: String? = nil, key: PublisherKey? = nil) {
    (self.describeCommand, self.publisher, self.key) = (describeCommand, publisher, key)
  }

  /// Loads a library into this process and reads its descriptor; nothing else of it is called.
  public static func describe(_ path: String) throws(HostError) -> PluginDescription {
    try PluginDescription(ofLibrary: path)
  }

  /// Packs a library into `folder/ID-VERSION`, in the place of what was there. Either all of it appears or nothing.
  /// - Returns: the plugin's folder.
  public func pack(_ library: String, into folder: String) throws(HostError) -> String {
    let description = try describeElsewhere(library)
    let contents = try OpenFile.read(library, limit: PluginManifest.librarySizeLimit)
    let name = URL(fileURLWithPath: library).lastPathComponent
    let manifest = try JSON(manifest(description, library: name, sha256: contents.withUnsafeBytes(PluginSignature.sha256)))
    let bytes = Array(manifest.utf8)
    let read = try PluginManifest.decode(bytes)  // what is written here is what a host would take
    let target = "\(folder)/\(read.id)-\(read.version)", staging = "\(folder)/.\(read.id)-\(read.version)-\(UUID().uuidString)"
    do {
      try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: staging) }
      try Data(contents).write(to: URL(fileURLWithPath: "\(staging)/\(name)"))
      try Data(bytes).write(to: URL(fileURLWithPath: "\(staging)/plugin.json"))
      if let key { try Data(key.sign(bytes)).write(to: URL(fileURLWithPath: "\(staging)/plugin.json.sig")) }
      if centram_rename_new(staging, target) != 0, centram_exchange(staging, target) != 0 {
        throw HostError(.inputOutput, "\(target): \(String(cString: strerror(errno)))")
      }
    } catch {
      throw error as? HostError ?? HostError(.inputOutput, "\(target) was not written: \(error.localizedDescription)")
    }
    return target
  }

  private func describeElsewhere(_ library: String) throws(HostError) -> PluginDescription {
    guard let executable = describeCommand.first else { throw HostError(.invalid, "the command that describes a library is empty") }
    let child = Process(), output = Pipe(), errors = Pipe()
    child.executableURL = URL(fileURLWithPath: executable)
    child.arguments = describeCommand.dropFirst() + [library]
    (child.standardOutput, child.standardError, child.standardInput) = (output, errors, FileHandle.nullDevice)
    do { try child.run() } catch { throw HostError(.inputOutput, "\(executable) does not start: \(error.localizedDescription)") }
    // Not to be ignored: a child inherits the signals that this thread blocks.
    let process = child.processIdentifier
    let limit = DispatchWorkItem { kill(process, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + timeLimit, execute: limit)
    // Errors are few lines; the pipe holds them while the output is read.
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    limit.cancel()
    guard child.terminationReason == .exit else {
      throw HostError(.load, "\(library) killed the process that described it, with signal \(child.terminationStatus); it would have killed the host")
    }
    guard child.terminationStatus == 0, let description = try? JSONDecoder().decode(PluginDescription.self, from: text) else {
      let last = complaint.split(separator: "\n").last.map(String.init) ?? "it gave no reason"
      throw HostError(.descriptor, "\(library) was not described: \(last)")
    }
    return description
  }

  private func manifest(_ description: PluginDescription, library: String, sha256: String) -> ManifestFile {
    let isSwift = description.lanes & UInt32(CENTRAM_LANE_SWIFT) != 0
    let lanes = (description.lanes & UInt32(CENTRAM_LANE_C) != 0 ? ["c"] : []) + (isSwift ? ["swift"] : [])
    let swift = isSwift ? "^\(description.swiftMajor).\(description.swiftMinor)" : nil
    return ManifestFile(
      id: description.id, version: description.version, kind: description.kind, summary: description.summary, lanes: lanes,
      api: ["c": "^\(CENTRAM_C_ABI_MAJOR).0", "swift": swift].compactMapValues { $0 }, toolchain: isSwift ? description.toolchain : nil,
      fingerprint: isSwift ? description.fingerprint : nil, library: library, sha256: sha256, publisher: publisher,
      isolation: isIsolated ? "process" : nil)
  }

  private struct ManifestFile: Encodable {
    var schema = 1
    var id: String, version: String, kind: String, summary: String, lanes: [String], api: [String: String]
    var toolchain: String?, fingerprint: String?, library: String, sha256: String, publisher: String?, isolation: String?
  }
}

extension PluginDescription {
  /// One line of JSON, as `PluginPackager` reads it from its child.
  public var json: String { (try? JSON(self)) ?? "{}" }
}

private func JSON(_ value: some Encodable) throws(HostError) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do { return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n" } catch { throw HostError(.invalid, "\(error)") }
}
