/// Finds what a user most likely meant by a misspelt name.
enum NearestName {
  /// The known name nearest to `name`, if it is near enough to be a slip of the keys: a third of the letters, at least
  /// one, at most three.
  static func find(_ name: String, among known: some Sequence<String>) -> String? {
    let letters = Array(name.lowercased().unicodeScalars.prefix(64))
    let limit = min(3, max(1, letters.count / 3))
    var best: (name: String, distance: Int)?
    for candidate in known.sorted() {
      let distance = distance(letters, Array(candidate.lowercased().unicodeScalars.prefix(64)))
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// The second half of a sentence about an unknown name: the nearest known one, or all of them.
  static func hint(_ name: String, among known: some Collection<String>) -> String {
    if let nearest = find(name, among: known) { return "; did you mean \(nearest)?" }
    return known.isEmpty ? "; there are none here" : "; known here: \(known.sorted().joined(separator: ", "))"
  }

  /// How many letters to insert, remove, replace or swap with a neighbour to make one word of the other.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty || b.isEmpty { return a.count + b.count }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
