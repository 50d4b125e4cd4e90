/// What is being judged, for services whose questions do not name it. It follows the task that judges.
struct GateContext: Sendable {
  /// SHA-256 of the candidate's base, and its author's key, hexadecimal digits.
  var base: String, author: String
  /// What is judged is none of the store's genomes, and stands among these.
  var transient: TransientUpdates?

  @TaskLocal static var current: GateContext?
}
