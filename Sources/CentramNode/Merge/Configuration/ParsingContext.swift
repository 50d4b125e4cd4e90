/// What the parts of one document's parsing share: the names of all documents, and the warnings found so far.
final class ParsingContext {
  let documents: Set<String>
  private(set) var warnings: [String] = []

  init(documents: Set<String>) { self.documents = documents }

  func warn(_ place: ConfigurationPlace, _ message: String) { warnings.append("\(place): \(message)") }

  /// A document's output where there is one of this name; else a path.
  func location(_ text: String) -> ModelReference.Location { documents.contains(text) ? .document(text) : .path(text) }
}
