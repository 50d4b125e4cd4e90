/// A model as a configuration names it: a folder or file, the output of an earlier document, or one of these with an
/// adapter applied.
public struct ModelReference: Sendable, Hashable, CustomStringConvertible {
  public enum Location: Sendable, Hashable {
    /// A folder or file on this machine, as written.
    case path(String)
    /// The output of the document with this name.
    case document(String)

    public var text: String {
      switch self {
      case .path(let text), .document(let text): text
      }
    }
  }

  public var model: Location
  public var adapter: Location?

  public init(model: Location, adapter: Location? = nil) { (self.model, self.adapter) = (model, adapter) }
  public init(path: String, adapter: String? = nil) { self.init(model: .path(path), adapter: adapter.map { .path($0) }) }

  /// As it is written in a configuration: `folder+adapter`.
  public var description: String { model.text + (adapter.map { "+\($0.text)" } ?? "") }

  /// The documents whose output it needs.
  var documents: [String] {
    [model, adapter].compactMap {
      if case .document(let name)? = $0 { name } else { nil }
    }
  }
}

extension ModelReference {
  /// Reads `path`, `path+adapter`, or `{model: {path}, lora: {path}}`, which also takes paths with `+` or `@` in them.
  init(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) {
    if case .map = cursor.node.content {
      let fields = try cursor.fields(["model", "lora", "override_architecture"], "a model")
      if let override = fields["override_architecture"] {
        context.warn(override.place, "override_architecture has no effect: tensors are matched by name, without an architecture")
      }
      model = try Self.location(fields.required("model", "write model: {path: FOLDER}"), context)
      adapter = nil
      if let lora = fields["lora"] { adapter = try Self.location(lora, context) }
      return
    }
    let text = try cursor.text("a model")
    let parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2 else {
      throw cursor.error("\(text.prefix(200)) has more than one +; one adapter can be applied, and a path with + in it is written {model: {path: ...}}")
    }
    model = try Self.location(parts[0], cursor, context)
    adapter = nil
    if parts.count == 2 { adapter = try Self.location(parts[1], cursor, context) }
  }

  private static func location(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) -> Location {
    guard case .map = cursor.node.content else { return try location(cursor.text("a path"), cursor, context) }
    let fields = try cursor.fields(["path", "revision"], "a path")
    let path = try fields.required("path", "write path: FOLDER").text("a path")
    if let revision = fields["revision"] { throw try refusal(path, revision.text("a revision"), revision) }
    return context.location(path)
  }

  private static func location(_ text: String, _ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) -> Location {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    if parts.count == 2 { throw refusal(parts[0], parts[1], cursor) }
    guard text.contains(where: { !$0.isWhitespace }) else { throw cursor.error("a path is missing beside the +") }
    return context.location(text)
  }

  private static func refusal(_ path: String, _ revision: String, _ cursor: ConfigurationCursor) -> MergeError {
    cursor.error(
      "\(path.prefix(200)) at revision \(revision.prefix(60)): revisions cannot be fetched, models are local folders; "
        + "give the folder that holds this revision, without @ (a path with @ in it is written {model: {path: ...}})")
  }
}
