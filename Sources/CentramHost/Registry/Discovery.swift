internal import Foundation

/// Where plugins lie, in the order in which the first of equals wins.
struct Discovery {
  struct Place: Equatable {
    /// A plugin's folder or a bare library.
    var path: String
    var isBare: Bool
    /// Whether a bare library counts here at all.
    var isOwnFolder: Bool
  }

  let configuration: HostConfiguration

  func places() -> [Place] {
    var places: [Place] = [], seen: Set<String> = []
    for (folder, isOwn) in folders where seen.insert(folder).inserted {
      places += Self.places(in: folder, isOwn: isOwn).filter { place in !places.contains { $0.path == place.path } }
    }
    return places
  }

  /// What a path given by hand stands for.
  func place(at path: String) -> Place {
    let path = Self.resolved(path)
    let isOwn = folders.contains { $0.isOwn && path.hasPrefix($0.path + "/") }
    return Place(path: path, isBare: !OpenFile.exists(path + "/."), isOwnFolder: isOwn)
  }

  private var folders: [(path: String, isOwn: Bool)] {
    var folders = configuration.folders + configuration.pluginPath.split(separator: ":").map(String.init)
    if let own = configuration.executableFolder { folders.append(own + "/../lib/centram/plugins") }
    return folders.map { (Self.resolved($0), false) } + (configuration.executableFolder.map { [(Self.resolved($0), true)] } ?? [])
  }

  /// A folder that is a plugin, or the plugins in it by name.
  private static func places(in folder: String, isOwn: Bool) -> [Place] {
    if OpenFile.exists(folder + "/plugin.json") { return [Place(path: folder, isBare: false, isOwnFolder: isOwn)] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    // Names with a dot first are folders that a packager has not finished.
    return names.sorted().filter { !$0.hasPrefix(".") }.compactMap { name in
      let path = folder + "/" + name
      if OpenFile.exists(path + "/plugin.json") { return Place(path: path, isBare: false, isOwnFolder: isOwn) }
      let isBare = name.hasPrefix("libcentram_") && name.hasSuffix(".so")
      return isBare ? Place(path: path, isBare: true, isOwnFolder: isOwn) : nil
    }
  }

  private static func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
}
