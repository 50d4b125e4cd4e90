/// A document of a configuration file: one merge, whose output later documents may use by its name.
public struct MergeDocument: Sendable, Equatable {
  /// Nil for the final one.
  public var name: String?
  public var configuration: MergeConfiguration
  /// As it was written, for `mergekit_config.yml`.
  public var text: String
  /// What is accepted, but likely not meant.
  public var warnings: [String]

  /// The documents whose output this one needs.
  public var dependencies: [String] {
    var seen: Set<String> = []
    return configuration.allModels.flatMap(\.documents).filter { seen.insert($0).inserted }
  }

  /// Reads a configuration in mergekit's format, YAML or JSON.
  ///
  /// - Parameters:
  ///   - yaml: at most 1 MiB.
  ///   - name: the file's name, for messages.
  /// - Returns: the documents, each after those that it needs; the one without a name last.
  /// - Throws: `.configuration` with line, column and place, for every key or value that is unknown, missing or out of
  ///   its limits.
  public static func parse(yaml: String, name: String) throws(MergeError) -> [MergeDocument] {
    let whole = ConfigurationPlace(file: name, line: 1, column: 1, path: "")
    let cursors = try YAMLReader.read(yaml, file: name).map { ConfigurationCursor($0, file: name, path: "") }.filter { !$0.isNull }
    guard !cursors.isEmpty else { throw whole.error("there is nothing in it; a merge needs merge_method and models") }
    let names = try documentNames(cursors)
    let known = Set(names.compactMap { $0 })
    let texts = DocumentText.split(yaml, starts: cursors.map(\.place.line))
    var documents: [MergeDocument] = []
    for (index, cursor) in cursors.enumerated() {
      let context = ParsingContext(documents: known)
      let configuration = try MergeConfiguration(cursor, context)
      var document = MergeDocument(name: names[index], configuration: configuration, text: texts[index], warnings: context.warnings)
      document.warnings += document.misspeltDocuments(known)
      documents.append(document)
    }
    return try ordered(documents)
  }

  private static func documentNames(_ cursors: [ConfigurationCursor]) throws(MergeError) -> [String?] {
    var names: [String?] = []
    for cursor in cursors {
      let values = try cursor.values("a mapping with merge_method and models")
      guard let (_, value) = values.first(where: { $0.key == "name" }), !value.isNull else {
        if names.contains(nil) {
          throw cursor.error("a second document without a name; only one, the final one, can be without: give this one a name:")
        }
        names.append(nil)
        continue
      }
      let name = try value.text("a name")
      guard !name.contains("+"), !name.contains("@") else { throw value.error("a name has no + and no @, which mean adapters and revisions") }
      guard !names.contains(name) else { throw value.error("a document named \(name.prefix(60)) is there already") }
      names.append(name)
    }
    return names
  }

  /// Each after those it needs, otherwise in the order of the text.
  private static func ordered(_ documents: [MergeDocument]) throws(MergeError) -> [MergeDocument] {
    var waiting = documents
    var done: [MergeDocument] = []
    var names: Set<String> = []
    while !waiting.isEmpty {
      let ready =
        waiting.firstIndex { $0.name != nil && $0.dependencies.allSatisfy(names.contains) }
        ?? waiting.firstIndex { $0.dependencies.allSatisfy(names.contains) }
      guard let ready else {
        let cycle = waiting.compactMap { document in
          document.name.map { "\($0) needs \(document.dependencies.filter { !names.contains($0) }.joined(separator: " and "))" }
        }
        throw waiting[0].configuration.place.error("documents that need each other cannot be merged: \(cycle.joined(separator: ", "))")
      }
      let document = waiting.remove(at: ready)
      if let name = document.name { names.insert(name) }
      done.append(document)
    }
    return done
  }

  /// Paths that look like a slip in a document's name.
  private func misspeltDocuments(_ known: Set<String>) -> [String] {
    configuration.allModels.flatMap { [$0.model, $0.adapter].compactMap { $0 } }.compactMap { location in
      guard case .path(let path) = location, !path.contains("/"), let near = NearestName.find(path, among: known) else { return nil }
      return "\(configuration.place.file): \(path) is read as a folder; the document is called \(near)"
    }
  }
}
