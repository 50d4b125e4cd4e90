/// What a judgement is about, for services whose questions do not name it. It follows the task that judges.
enum GateContext {
  /// SHA-256 of the candidate's base, hexadecimal digits.
  @TaskLocal static var base: String?
}
