/// That somebody spoke for an author, and what came of it.
public struct Invitation: Sendable, Equatable, Codable {
  /// Keys of 64 hexadecimal digits.
  public var author: String, inviter: String
  /// Unix milliseconds.
  public var timeMilliseconds: Int64
  /// Genomes of the author that are accepted now.
  public var accepted = 0
  /// Their weights at the gate's admission, added up: of the author, and of it and all whom its invitations lead to.
  public var weight = 0.0, weightBelow = 0.0
  public init(author: String, inviter: String, timeMilliseconds: Int64) { (self.author, self.inviter, self.timeMilliseconds) = (author, inviter, timeMilliseconds) }
}
