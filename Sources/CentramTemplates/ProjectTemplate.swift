internal import CentramHost
internal import Foundation

/// The files of one kind and language: what all projects of the language share, and over it what the kind has of its own.
struct ProjectTemplate {
  static let fileLimit = 100, sizeLimit = 1 << 20

  /// By path in the project, with placeholders such as `@ID@` in them.
  private let files: [String: String]

  init(_ project: PluginProject, in sdk: PluginSDK) throws(HostError) {
    let language = project.language.rawValue, own = "\(sdk.path)/templates/\(project.kind)/\(language)"
    guard try !Self.read(own).isEmpty else {
      throw HostError(.notFound, "the SDK at \(sdk.path) has no template of a \(project.kind) in \(language) (open); write it in another language, or from the header")
    }
    files = try Self.read("\(sdk.path)/templates/shared/\(language)").merging(Self.read(own)) { $1 }
  }

  /// The project's files, placeholders filled in.
  func filled(_ values: [String: String]) throws(HostError) -> [String: String] {
    var result: [String: String] = [:]
    for (path, text) in files { result[path] = try Self.fill(text, values, file: path) }
    return result
  }

  /// - Throws: `.invalid` where a placeholder is unknown: the template is of another version than this program.
  static func fill(_ text: String, _ values: [String: String], file: String) throws(HostError) -> String {
    var result = "", rest = text[...]
    while let start = rest.firstIndex(of: "@") {
      result += rest[..<start]
      rest = rest[start...].dropFirst()
      let name = rest.prefix { $0.isASCII && $0.isUppercase }
      guard !name.isEmpty, rest.dropFirst(name.count).first == "@" else {
        result += "@"
        continue
      }
      guard let value = values[String(name)] else {
        throw HostError(.invalid, "the template \(file) has a placeholder @\(name)@ that this program does not know\(NearestName.hint(for: String(name), among: values.keys))")
      }
      result += value
      rest = rest.dropFirst(name.count + 1)
    }
    return result + rest
  }

  private static func read(_ folder: String) throws(HostError) -> [String: String] {
    var files: [String: String] = [:]
    guard let paths = FileManager.default.enumerator(atPath: folder) else { return files }
    while let path = paths.nextObject() as? String {
      let type = paths.fileAttributes?[.type] as? FileAttributeType, size = (paths.fileAttributes?[.size] as? NSNumber)?.intValue ?? 0
      if type == .typeDirectory { continue }
      guard type == .typeRegular, size <= sizeLimit, files.count < fileLimit, let text = try? String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) else {
        throw HostError(.invalid, "\(folder)/\(path) is no template: \(fileLimit) text files of at most \(sizeLimit) bytes are, and no links")
      }
      files[path] = text
    }
    return files
  }
}
