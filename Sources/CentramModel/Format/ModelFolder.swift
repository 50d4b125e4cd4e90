internal import Foundation

/// The small files beside a model's weights.
struct ModelFolder {
  let url: URL
  init(_ url: URL) { self.url = url }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Nil where there is no such file.
  func read(_ name: String, limit: Int) throws(ModelFileError) -> [UInt8]? {
    guard FileManager.default.fileExists(atPath: path(name)) else { return nil }
    let mapping = try Mapping(path: path(name))
    guard mapping.bytes.count <= limit else {
      throw ModelFileError(.malformed, "\(path(name)): \(mapping.bytes.count) bytes are more than \(limit)")
    }
    return Array(mapping.bytes)
  }

  static let maximumTemplateLength = 1 << 20
  static let maximumTokenizerConfigurationLength = 64 << 20

  /// chat_template.jinja, or what tokenizer_config.json has: a template, or a list of named ones, of which `default` counts.
  func chatTemplate() throws(ModelFileError) -> String? {
    if let bytes = try read("chat_template.jinja", limit: Self.maximumTemplateLength) {
      guard let text = String(validating: bytes, as: UTF8.self) else { throw ModelFileError(.malformed, "\(path("chat_template.jinja")): not UTF-8") }
      return text
    }
    guard let bytes = try read("tokenizer_config.json", limit: Self.maximumTokenizerConfigurationLength) else { return nil }
    let file = path("tokenizer_config.json")
    let root: OrderedJSON
    do throws(OrderedJSON.Failure) {
      root = try OrderedJSON(parsing: bytes)
    } catch {
      throw ModelFileError(.malformed, "\(file): not good JSON: \(error.message) (byte \(error.position))")
    }
    guard case .object(let members) = root else { throw ModelFileError(.malformed, "\(file): not a JSON object") }
    let template: String?
    switch members.first(where: { $0.key == "chat_template" })?.value {
    case nil, .null?: template = nil
    case .string(let text)?: template = text
    case .array(let items)?: template = Self.named("default", items) ?? (items.count == 1 ? Self.named(nil, items) : nil)
    default: throw ModelFileError(.malformed, "\(file): chat_template is neither a string nor a list of named templates")
    }
    guard (template?.utf8.count ?? 0) <= Self.maximumTemplateLength else {
      throw ModelFileError(.malformed, "\(file): chat_template is longer than \(Self.maximumTemplateLength) bytes")
    }
    return template
  }

  /// The template of that name, or the first for nil.
  private static func named(_ name: String?, _ items: [OrderedJSON]) -> String? {
    for case .object(let members) in items {
      func text(_ key: String) -> String? {
        guard case .string(let text)? = members.first(where: { $0.key == key })?.value else { return nil }
        return text
      }
      if name == nil || text("name") == name { return text("template") }
    }
    return nil
  }
}
