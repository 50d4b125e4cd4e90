public import CentramModel

/// What the configuration says under `chat_template`.
public enum ChatTemplateSetting: Sendable, Equatable {
  /// The one that most of the models have; of equally frequent ones the base's, then the first model's.
  case auto
  case preset(Preset)
  /// A template in Jinja.
  case jinja(String)

  public typealias Preset = ChatTemplatePreset

  /// A Jinja text is told from a misspelt name by its length and its braces.
  static let shortestTemplate = 20

  /// Nil where the text is neither a name nor a template.
  public init?(_ text: String) {
    if text == "auto" {
      self = .auto
    } else if let preset = Preset(rawValue: text) {
      self = .preset(preset)
    } else if text.count >= Self.shortestTemplate, text.contains("{") {
      self = .jinja(text)
    } else {
      return nil
    }
  }

  /// The template's text; nil for `auto` where no model has one.
  /// - Parameter folders: of the models, the base first.
  func template(of folders: [FolderFiles]) throws(MergeError) -> String? {
    switch self {
    case .preset(let preset): return preset.source
    case .jinja(let text): return text
    case .auto:
      var templates: [(text: ExactText, votes: Int)] = []
      for folder in folders {
        guard let found = try Self.template(in: folder) else { continue }
        let text = ExactText(found)
        if let index = templates.firstIndex(where: { $0.text == text }) {
          templates[index].votes += 1
        } else {
          templates.append((text, 1))
        }
      }
      let most = templates.map(\.votes).max()
      return templates.first { $0.votes == most }?.text.text
    }
  }

  /// The template of a model: chat_template.jinja, which newer files have, else that of tokenizer_config.json.
  static func template(in folder: FolderFiles) throws(MergeError) -> String? {
    if let bytes = try folder.read("chat_template.jinja") {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw MergeError(.input, "\(folder.path("chat_template.jinja")): not UTF-8")
      }
      return text
    }
    switch try folder.jsonObject("tokenizer_config.json")?["chat_template"] {
    case .string(let text)?: return text
    case .array(let named)?: return named.first { $0["name"]?.string == "default" }?["template"]?.string
    default: return nil
    }
  }
}
