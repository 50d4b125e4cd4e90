internal import Foundation

/// Two kinds of real text that every machine of ours has: the licences of Debian, and Centram's own sources.
struct Corpus {
  let training: [UInt8]
  /// The last tenth, never trained on.
  let heldOut: [UInt8]

  private init(_ text: [UInt8]) {
    let cut = text.count * 9 / 10
    (training, heldOut) = (Array(text[..<cut]), Array(text[cut...]))
  }

  /// Legal prose.
  static func prose(repository: String) throws -> Corpus {
    try Corpus(read(["/usr/share/common-licenses", repository + "/LICENSE"], ending: ""))
  }

  /// Swift.
  static func code(repository: String) throws -> Corpus {
    try Corpus(read([repository + "/Sources", repository + "/Plugins"], ending: ".swift"))
  }

  private static func read(_ places: [String], ending: String) throws -> [UInt8] {
    var files: [String] = []
    for place in places {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else { continue }
      if !isFolder.boolValue { files.append(place) }
      for case let name as String in FileManager.default.enumerator(atPath: place) ?? .init() where name.hasSuffix(ending) {
        files.append(place + "/" + name)
      }
    }
    var text: [UInt8] = []
    for file in files.sorted() where (try? FileManager.default.destinationOfSymbolicLink(atPath: file)) == nil {
      text += (FileManager.default.contents(atPath: file).map(Array.init) ?? []).prefix(40_000)
    }
    guard text.count > 20_000 else { throw DemoError("only \(text.count) bytes of text in \(places.joined(separator: ", "))") }
    return text
  }
}
