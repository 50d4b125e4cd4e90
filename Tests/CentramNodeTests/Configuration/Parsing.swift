import CentramNode
import Testing

/// The only document of a text.
func parsed(_ yaml: String) throws -> MergeConfiguration {
  let documents = try MergeDocument.parse(yaml: yaml, name: "merge.yml")
  #expect(documents.count == 1)
  return documents[0].configuration
}

/// Expects an error of parsing, and that its message holds all of `parts`.
func expectParseError(_ yaml: String, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
  do {
    _ = try MergeDocument.parse(yaml: yaml, name: "merge.yml")
    Issue.record("accepted: \(yaml.prefix(300))", sourceLocation: sourceLocation)
  } catch {
    #expect(error.code == .configuration, sourceLocation: sourceLocation)
    for part in parts { #expect(error.message.contains(part), "\(error.message) lacks \(part)", sourceLocation: sourceLocation) }
  }
}

/// A configuration that is right, with lines added to it.
func linearConfiguration(_ more: String = "") -> String {
  "merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: 1}\n- model: b\n  parameters: {weight: 1}\n\(more)\n"
}
