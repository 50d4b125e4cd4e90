internal import CentramArchive
public import CentramHost
internal import Foundation

/// A packed plugin as one file: a tar archive of the files in its folder, without the folder.
public enum PluginArchive {
  /// The largest archive that is read.
  public static let sizeLimit = PluginManifest.librarySizeLimit + 1 << 20

  /// Writes a plugin's folder as `ID-VERSION.tar`, in the place of what was there. The same folder gives the same bytes.
  /// - Returns: the archive's path.
  @discardableResult public static func write(_ folder: String, into target: String) throws(HostError) -> String {
    let content = try PluginContent(folder: folder)
    var bytes: [UInt8] = []
    for (name, file) in content.files {
      guard name.utf8.count <= 100 else { throw HostError(.archive, "\(name) has \(name.utf8.count) bytes; a name in an archive has at most 100") }
      bytes += TarHeader.bytes(name: name, size: file.count)
      bytes += file
      bytes += [UInt8](repeating: 0, count: TarHeader.padding(file.count))
    }
    bytes += [UInt8](repeating: 0, count: 2 * TarHeader.blockSize)
    let path = "\(target)/\(content.title).tar"
    try DurableFile.write(bytes, to: path, mode: 0o644, replaces: true)
    return path
  }

  /// The files of an archive, by name.
  /// - Parameter descriptor: of a file that nobody changes meanwhile; lent.
  static func files(_ descriptor: Int32, _ path: String) throws(HostError) -> [(name: String, bytes: [UInt8])] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(path) }
    let entries: [TarReader.Entry]
    do throws(TarError) {
      entries = try TarReader(descriptor: descriptor, size: Int(status.st_size), noun: "plugin").entries()
    } catch {
      throw HostError(.archive, "\(path) is no plugin's archive: \(error.message); make one with: centram-host plugin pack --archive")
    }
    var files: [(name: String, bytes: [UInt8])] = []
    for entry in entries {
      guard entry.size <= PluginContent.limit(entry.name) else {
        throw HostError(.archive, "\(path): \(entry.name) has \(entry.size) bytes, the limit is \(PluginContent.limit(entry.name))")
      }
      var bytes = [UInt8](repeating: 0, count: entry.size), filled = 0
      while filled < entry.size {
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + filled, entry.size - filled, off_t(entry.offset + filled)) }
        guard count > 0 else { throw .system(path) }
        filled += count
      }
      files.append((entry.name, bytes))
    }
    return files
  }
}

extension HostError.Code {
  /// A file that is no plugin's archive, or holds what no plugin has.
  public static var archive: HostError.Code { .init(rawValue: "archive") }
}

/// The files that a plugin consists of: `plugin.json`, its signature where there is one, the library; nothing else.
struct PluginContent {
  let manifest: PluginManifest
  /// In the order of an archive.
  let files: [(name: String, bytes: [UInt8])]

  /// `ID-VERSION`.
  var title: String { "\(manifest.id)-\(manifest.version)" }
  /// What it is kept under: SHA-256 of `plugin.json`.
  var hash: String { files[0].bytes.withUnsafeBytes(PluginSignature.sha256) }

  static func limit(_ name: String) -> Int {
    switch name {
    case "plugin.json": PluginManifest.sizeLimit
    case "plugin.json.sig": 64
    default: PluginManifest.librarySizeLimit
    }
  }

  /// Reads a folder, which must hold these files and no other.
  init(folder: String) throws(HostError) {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch { throw HostError(.inputOutput, "\(folder): \(error.localizedDescription)") }
    guard names.contains("plugin.json") else { throw HostError(.folder, "\(folder) holds no plugin.json; pack a library with: centram-host plugin pack LIBRARY") }
    guard names.count <= 16 else { throw HostError(.archive, "\(folder) holds \(names.count) files; a plugin has three: plugin.json, plugin.json.sig and its library") }
    var files: [(name: String, bytes: [UInt8])] = []
    for name in names { files.append((name, try OpenFile.read("\(folder)/\(name)", limit: Self.limit(name), isOwn: true))) }
    try self.init(files: files, source: folder)
  }

  /// - Parameter source: for errors.
  init(files: [(name: String, bytes: [UInt8])], source: String) throws(HostError) {
    guard let json = files.first(where: { $0.name == "plugin.json" }) else { throw HostError(.archive, "\(source) holds no plugin.json") }
    let manifest = try PluginManifest.decode(json.bytes)
    let names = ["plugin.json", "plugin.json.sig", manifest.library]
    if let other = files.first(where: { !names.contains($0.name) }) {
      throw HostError(.archive, "\(source) holds \(other.name), which plugin.json does not name; a plugin has plugin.json, plugin.json.sig and its library")
    }
    guard files.contains(where: { $0.name == manifest.library }) else { throw HostError(.archive, "\(source) holds no \(manifest.library), the library that plugin.json names") }
    self.manifest = manifest
    self.files = files.sorted { (names.firstIndex(of: $0.name) ?? 0) < (names.firstIndex(of: $1.name) ?? 0) }
  }
}
