internal import CentramHost

/// What a user most likely meant by a misspelt name, in the words of configuration errors.
enum NearestName {
  static func find(_ name: String, among known: some Sequence<String>) -> String? { CentramHost.NearestName.suggestion(for: name, among: known) }

  /// The second half of a sentence about an unknown name: the nearest known one, or all of them.
  static func hint(_ name: String, among known: some Collection<String>) -> String {
    if let nearest = find(name, among: known) { return "; did you mean \(nearest)?" }
    return known.isEmpty ? "; there are none here" : "; known here: \(known.sorted().joined(separator: ", "))"
  }
}
